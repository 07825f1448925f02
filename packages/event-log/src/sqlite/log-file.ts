import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { leaveStream, positionIn } from '../jetstream/position-table.ts';
import { StorageFault } from '../storage-fault.ts';
import { type CompactionPolicy, type CompactionReport, compactStore } from './compaction.ts';
import { openDatabase } from './database.ts';
import { type Connection, Database } from './driver.ts';
import { asStorageFault } from './fault.ts';
import { lockFile } from './file-lock.ts';
import { SqliteStore } from './sqlite-store.ts';
import { type VerifyReport, verifyDatabase } from './verify.ts';

/** What the files in a data directory are called. */
export const LOG_FILES = {
  /** A log of its own. */
  log: 'events.db',
  /** The fold of a JetStream stream, which is the log. */
  replica: 'replica.db',
} as const;

export type LogFileReport = VerifyReport & {
  /** The SHA-256 of the newest event, which stands for all before it; empty for an empty log. */
  readonly headHash: string;
  /** Of a replica: its stream, and the last message of it that is folded. */
  readonly replicaOf?: { readonly stream: string; readonly seq: number };
};

/**
 * Checks a log's file, also while a control plane writes it. Of a replica this looks at the file alone: whether the
 * stream is still the same is checked each time that a control plane opens it. Throws a StorageFault when the file
 * cannot be read.
 */
export function verifyLogFile(file: string): LogFileReport {
  // One transaction: the chain and the table are looked at in the same state.
  return reading(file, (db) => db.transaction(() => verifyLog(db))());
}

function verifyLog(db: Connection): LogFileReport {
  const report = verifyDatabase(db);
  const { head } = report;
  const headHash = db.prepare<[number], string>('SELECT hash FROM events WHERE seq = ?').pluck().get(head) ?? '';
  const position = positionIn(db);
  if (position === undefined) return { ...report, headHash };
  const replicaOf = { stream: position.stream, seq: position.seq };
  if (position.head === head) return { ...report, headHash, replicaOf };
  const apart =
    head > position.head
      ? {
          seq: position.head + 1,
          problem: `it did not come from the stream ${position.stream}, which this file follows`,
        }
      : { seq: head + 1, problem: `the events up to ${position.head} are missing` };
  return { ...report, problems: [...report.problems, apart], headHash, replicaOf };
}

/** The stream that a file is a replica of; undefined for a log of its own. Throws a StorageFault when it cannot be read. */
export function streamOfLogFile(file: string): string | undefined {
  return reading(file, (db) => positionIn(db)?.stream);
}

/**
 * Copies a log to a new file, also while a control plane writes it, and verifies the copy. The copy appears under its
 * name only when it is whole. Throws a StorageFault.
 */
export async function backUpLogFile(file: string, to: string): Promise<LogFileReport> {
  return copyLogFile(file, to, () => {});
}

/**
 * Puts a verified backup in place of a log that does not exist yet. A replica goes on with its stream, unless it is
 * told to leave it: then it is a log of its own. Throws a StorageFault when there is a log already, or the backup is
 * not sound.
 */
export async function restoreLogFile(
  from: string,
  file: string,
  { withoutStream = false }: { readonly withoutStream?: boolean } = {},
): Promise<LogFileReport> {
  refuseExisting(file);
  const { problems } = verifyLogFile(from);
  const [first] = problems;
  if (first !== undefined) throw new StorageFault('corrupt', `${from}: event ${first.seq}: ${first.problem}`);
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (error) {
    throw asFault(error, file);
  }
  return copyLogFile(from, file, withoutStream ? leaveStream : () => {});
}

async function copyLogFile(file: string, to: string, change: (db: Connection) => void): Promise<LogFileReport> {
  refuseExisting(to);
  if (!existsSync(dirname(to))) throw new StorageFault('unavailable', `the directory ${dirname(to)} does not exist`);
  const part = `${to}.part`;
  const removePart = (): void => {
    for (const each of [part, ...besides(part)]) rmSync(each, { force: true });
  };
  const db = openReadOnly(file);
  try {
    removePart();
    // All pages in one step: a writer would make a backup in several steps begin again and again.
    await db.backup(part, { progress: () => 2 ** 31 - 1 });
    const copy = new Database(part);
    try {
      // One file that needs no other beside it, also to be read where nothing can be written.
      copy.pragma('journal_mode = DELETE');
      change(copy);
    } finally {
      copy.close();
    }
    const report = verifyLogFile(part);
    renameSync(part, to);
    return report;
  } catch (error) {
    removePart();
    throw asFault(error, to);
  } finally {
    db.close();
  }
}

/** A WAL that was left behind would be taken for a part of the new file. */
function refuseExisting(file: string): void {
  const there = [file, ...besides(file)].find((each) => existsSync(each));
  if (there !== undefined) throw new StorageFault('unavailable', `${there} exists already; move it away first`);
}

function besides(file: string): readonly string[] {
  return [`${file}-wal`, `${file}-shm`, `${file}-journal`];
}

/**
 * Drops old events of a log that no control plane has open. Throws a StorageFault, also for a replica: what one of
 * them dropped, and the event that tells of it, the others and the stream would not know.
 */
export function compactLogFile(file: string, policy: CompactionPolicy, user: string): CompactionReport {
  const stream = streamOfLogFile(file);
  if (stream !== undefined) {
    const why = `${file} is a replica of the stream ${stream} and must stay equal to it`;
    throw new StorageFault('unavailable', `${why}, so it cannot be compacted; give its disk more space`);
  }
  const unlock = lockFile(file);
  try {
    const db = openDatabase(file);
    try {
      const id = randomUUID();
      const report = compactStore(new SqliteStore(db), policy, {
        id,
        actor: { user, via: 'pulse compact' },
        requestId: id,
        time: new Date().toISOString(),
      });
      return { ...report, ...shrink(db) };
    } finally {
      db.close();
    }
  } finally {
    unlock();
  }
}

/** The space of what was dropped goes back to the disk; a full one has not the room for it, and then it stays free inside. */
function shrink(db: Connection): { readonly unshrunk?: string } {
  try {
    db.exec('VACUUM');
    return {};
  } catch (error) {
    return { unshrunk: error instanceof Error ? error.message : String(error) };
  }
}

/** The file system complains in another way than the driver. */
function asFault(error: unknown, file: string): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return asStorageFault(error, file);
  return new StorageFault('unavailable', `${file}: ${error.message}`, error);
}

function openReadOnly(file: string): Connection {
  let db: Connection;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw new StorageFault('unavailable', `${file}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  try {
    // Counts the migrations: every log has some.
    if (db.pragma('user_version', { simple: true }) !== 0) return db;
  } catch (error) {
    db.close();
    throw asStorageFault(error, file);
  }
  db.close();
  throw new StorageFault('corrupt', `${file} is not an event log`);
}

function reading<Value>(file: string, read: (db: Connection) => Value): Value {
  const db = openReadOnly(file);
  try {
    return read(db);
  } catch (error) {
    const fault = asStorageFault(error, file);
    // The same statements work on every file that is whole, so whatever the driver says here is about the file.
    if (!(fault instanceof Database.SqliteError)) throw fault;
    throw new StorageFault('corrupt', `${file}: ${fault.message} (${fault.code})`, fault);
  } finally {
    db.close();
  }
}
