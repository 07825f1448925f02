import { readFileSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { GatewayName } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import { type Decoded, decodeSaved, encodeSaved, type SavedConfiguration } from './saved-configuration.ts';

/** Keeps the last accepted configuration of one gateway in a file. */
export type ConfigurationFile = {
  /** What an earlier worker has left. */
  load(): Decoded | { readonly kind: 'none' };
  /** Writes it soon; what comes meanwhile takes its place. Says in the log and by `onSaved` what became of it. */
  save(configuration: SavedConfiguration): void;
  /** Resolves when what was to be saved is, or cannot be. */
  close(): Promise<void>;
};

export type ConfigurationFileOptions = {
  readonly stateDir: string;
  readonly gateway: GatewayName;
  readonly logger: Logger;
  /** `error`: why it could not be saved, the name of the errno mostly. */
  readonly onSaved: (error: string | undefined) => void;
  /** Milliseconds from a change to its write, which takes all changes until then. */
  readonly delayMs?: number;
  /** Milliseconds until what could not be saved is tried again. */
  readonly retryMs?: number;
};

const DELAY_MS = 500;
const RETRY_MS = 5_000;
/** More than the largest response that is taken. */
const MAX_BYTES = 300 * 1024 * 1024;
/** So much is written between two turns of the event loop. */
const CHUNK_CHARACTERS = 256 * 1024;

export function createConfigurationFile(options: ConfigurationFileOptions): ConfigurationFile {
  const { stateDir, gateway, logger, onSaved, delayMs = DELAY_MS, retryMs = RETRY_MS } = options;
  const file = join(stateDir, `worker-${gateway.namespace}~${gateway.name}.conf`);
  let wanted: SavedConfiguration | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  let failure: string | undefined;
  let closed = false;

  const schedule = (ms: number) => {
    timer ??= setTimeout(() => void flush(), ms).unref();
  };

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(async () => {
      const configuration = wanted;
      wanted = undefined;
      if (configuration !== undefined) await write(configuration);
    });
    return writing;
  };

  const write = async (configuration: SavedConfiguration): Promise<void> => {
    const error = await replaceFile(file, encodeSaved(configuration));
    onSaved(error);
    if (error === undefined) {
      if (failure !== undefined) logger.info({ file }, 'the configuration is saved again');
      else logger.debug({ file, resources: configuration.resources.size }, 'the configuration is saved');
    } else {
      if (error !== failure) {
        logger.error({ file, error }, 'the configuration could not be saved; it stays in force, and is tried again');
      }
      wanted ??= configuration;
      if (!closed) schedule(retryMs);
    }
    failure = error;
  };

  return {
    load() {
      try {
        const { size } = statSync(file);
        if (size > MAX_BYTES) return { kind: 'unusable', reason: `it has ${size} bytes, more than ${MAX_BYTES}` };
        return decodeSaved(readFileSync(file), gateway);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return { kind: 'none' };
        return { kind: 'unusable', reason: `it cannot be read: ${codeOf(error)}` };
      }
    },
    save(configuration) {
      wanted = configuration;
      schedule(delayMs);
    },
    close() {
      closed = true;
      return flush();
    },
  };
}

/**
 * Puts lines in the place of a file, all or nothing whatever happens meanwhile: what is renamed is on the disk before,
 * and the new name after. Readable by its owner only: a configuration may hold keys.
 *
 * @returns why not
 */
async function replaceFile(file: string, lines: Iterable<string>): Promise<string | undefined> {
  const draft = `${file}.${process.pid}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // Left by a process of the same id that was killed.
    await rm(draft, { force: true });
    await withHandle(await open(draft, 'wx', 0o600), async (handle) => {
      let chunk = '';
      for (const line of lines) {
        chunk += line;
        if (chunk.length < CHUNK_CHARACTERS) continue;
        await handle.writeFile(chunk);
        chunk = '';
      }
      await handle.writeFile(chunk);
      await handle.sync();
    });
    await rename(draft, file);
    await withHandle(await open(dirname(file), 'r'), (handle) => handle.sync());
    return undefined;
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    return codeOf(error);
  }
}

async function withHandle(handle: FileHandle, use: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
