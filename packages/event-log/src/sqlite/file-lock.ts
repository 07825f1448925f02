import { StorageFault } from '../storage-fault.ts';
import { type Connection, Database } from './driver.ts';

/**
 * Holds `<file>.lock` for as long as the process lives, so that two control planes never write one log. The kernel
 * frees it even after a kill -9. Others may still open the log to read it (backup, verify). Throws a StorageFault.
 */
export function lockFile(file: string): () => void {
  const lock = openLock(file);
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') {
      throw new StorageFault('unavailable', `${file} is in use by another process`, error);
    }
    throw notWritable(file, error);
  }
  return () => {
    lock.close();
  };
}

function openLock(file: string): Connection {
  try {
    return new Database(`${file}.lock`, { timeout: 0 });
  } catch (error) {
    throw notWritable(file, error);
  }
}

function notWritable(file: string, error: unknown): StorageFault {
  const reason = error instanceof Error ? error.message : String(error);
  return new StorageFault('read-only', `${file} cannot be opened for writing: ${reason}`, error);
}
