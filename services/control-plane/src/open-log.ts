import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type EventLog,
  LOG_FILES,
  openJetStreamEventLog,
  openSqliteEventLog,
  sealSecrets,
} from '@pulseplane/event-log';
import type { Logger } from '@pulseplane/telemetry';
import type { ControlPlaneConfig } from './config.ts';
import { loadSecretKeys } from './secret-keys.ts';

export type Opened = { readonly log: EventLog } | { readonly reason: string };

/**
 * Opens the log: in one file, or with a NATS URL in a stream that is folded into another file, so that the two never
 * mix. What is wrong with directory, file or stream is the operator's to mend, so it is a value.
 */
export async function openLog(config: ControlPlaneConfig, logger: Logger): Promise<Opened> {
  const { dataDir, natsUrl } = config;
  let log: EventLog;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    log = await openBareLog(config, logger);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { reason: `${natsUrl === undefined ? `--data-dir ${dataDir}` : '--nats-url'}: ${message}` };
  }
  const keys = loadSecretKeys(config, log, logger);
  if ('reason' in keys) {
    await log.close();
    return keys;
  }
  return { log: sealSecrets(log, keys) };
}

async function openBareLog({ dataDir, natsUrl, natsAllowWeakStream }: ControlPlaneConfig, logger: Logger) {
  if (natsUrl === undefined) return openSqliteEventLog(join(dataDir, LOG_FILES.log));
  return openJetStreamEventLog({
    url: natsUrl,
    file: join(dataDir, LOG_FILES.replica),
    allowWeakStream: natsAllowWeakStream,
    notice: (sentence) => logger.warn({}, sentence),
  });
}
