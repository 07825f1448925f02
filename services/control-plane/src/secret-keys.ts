import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type EventLog, newSealingKeyFile, parseSealingKeys, type SealingKey, sealedWith } from '@pulseplane/event-log';
import { SECRET } from '@pulseplane/resources';
import type { Logger } from '@pulseplane/telemetry';
import type { ControlPlaneConfig } from './config.ts';

/** Beside the log's own file. A replica of a stream has none of its own: all replicas need the same keys. */
const DEFAULT_FILE = 'secret.key';

/**
 * Reads the keys that seal Secrets, and makes the first one where there is none. A file that is wrong, or is missing
 * while Secrets are sealed, is the operator's to mend, so it is a value. Secrets that a given file does not open are
 * told of; everything else works without them.
 */
export function loadSecretKeys(
  { dataDir, natsUrl, secretKeyFile }: Pick<ControlPlaneConfig, 'dataDir' | 'natsUrl' | 'secretKeyFile'>,
  log: EventLog,
  logger: Logger,
): readonly SealingKey[] | { readonly reason: string } {
  const isGiven = secretKeyFile !== undefined;
  const file = secretKeyFile ?? join(dataDir, DEFAULT_FILE);
  let keys: readonly SealingKey[] = [];
  if (isGiven || natsUrl === undefined) {
    try {
      const text = readText(file) ?? (isGiven ? undefined : newKeyFile(file, log));
      if (text === undefined) return { reason: `--secret-key-file ${file}: there is no such file` };
      keys = parseSealingKeys(text);
    } catch (error) {
      return { reason: `--secret-key-file ${file}: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
  const shut = sealedSecrets(log).filter((key) => !keys.some(({ id }) => id === key)).length;
  if (shut > 0) logger.error({ secrets: shut, secretKeyFile: file }, 'Secrets are sealed with a key that is not here');
  return keys;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A new key would hide that the old one is lost. It is on the disk before anything is sealed with it. */
function newKeyFile(file: string, log: EventLog): string {
  const { length } = sealedSecrets(log);
  if (length > 0) {
    throw new Error(
      `it is missing, but ${length} Secrets are sealed with it; put it back, or give another one to do without them`,
    );
  }
  const text = newSealingKeyFile();
  writeFileSync(file, text, { mode: 0o600, flag: 'wx', flush: true });
  syncDirectory(dirname(file));
  return text;
}

/** The name of a new file lies in its directory. */
function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

/** The keys' ids, of each sealed Secret. */
function sealedSecrets(log: EventLog): readonly string[] {
  return log.objects({ group: SECRET.group, kind: SECRET.kind }).flatMap(({ object }) => sealedWith(object) ?? []);
}
