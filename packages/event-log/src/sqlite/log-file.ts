import { randomUUID } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { StorageFault } from '../storage-fault.ts';
import { type CompactionPolicy, type CompactionReport, compactStore } from './compaction.ts';
import { type Connection, openDatabase } from './database.ts';
import { asStorageFault } from './fault.ts';
import { lockFile } from './file-lock.ts';
import { SqliteStore } from './sqlite-store.ts';
import { type VerifyReport, verifyDatabase } from './verify.ts';

/** Checks a log's file, also while a control plane writes it. Throws a StorageFault when it cannot be read. */
export function verifyLogFile(file: string): VerifyReport {
  return reading(file, (db) => {
    // One transaction: the chain and the table are looked at in the same state.
    return db.transaction(() => verifyDatabase(db))();
  });
}

/**
 * Copies a log to a new file, also while a control plane writes it, and verifies the copy. The copy appears under its
 * name only when it is whole. Throws a StorageFault.
 */
export async function backUpLogFile(file: string, to: string): Promise<VerifyReport> {
  if (existsSync(to)) throw new StorageFault('unavailable', `${to} exists already`);
  const part = `${to}.part`;
  rmSync(part, { force: true });
  const db = openReadOnly(file);
  try {
    // All pages in one step: a writer would make a backup in several steps begin again and again.
    await db.backup(part, { progress: () => 2 ** 31 - 1 });
  } catch (error) {
    throw asStorageFault(error, part);
  } finally {
    db.close();
  }
  const report = verifyLogFile(part);
  renameSync(part, to);
  return report;
}

/**
 * Puts a verified backup in place of a log that does not exist yet. Throws a StorageFault when there is one already, or
 * the backup is not sound.
 */
export async function restoreLogFile(from: string, file: string): Promise<VerifyReport> {
  if (existsSync(file)) throw new StorageFault('unavailable', `${file} exists already; move it away first`);
  const { problems } = verifyLogFile(from);
  const [first] = problems;
  if (first !== undefined) throw new StorageFault('corrupt', `${from}: event ${first.seq}: ${first.problem}`);
  return backUpLogFile(from, file);
}

/** Drops old events of a log that no control plane has open. Throws a StorageFault. */
export function compactLogFile(file: string, policy: CompactionPolicy, user: string): CompactionReport {
  if (!existsSync(file)) throw new StorageFault('unavailable', `${file} does not exist`);
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
      db.exec('VACUUM');
      return report;
    } finally {
      db.close();
    }
  } finally {
    unlock();
  }
}

function openReadOnly(file: string): Connection {
  try {
    return new Database(file, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw new StorageFault('unavailable', `${file}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function reading<Value>(file: string, read: (db: Connection) => Value): Value {
  const db = openReadOnly(file);
  try {
    return read(db);
  } catch (error) {
    throw asStorageFault(error, file);
  } finally {
    db.close();
  }
}
