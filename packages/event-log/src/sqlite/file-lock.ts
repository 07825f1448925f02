import Database from 'better-sqlite3';
import { StorageFault } from '../storage-fault.ts';

/**
 * Holds `<file>.lock` for as long as the process lives, so that two control planes never write one log. The kernel
 * frees it even after a kill -9. Others may still open the log to read it (backup, verify).
 */
export function lockFile(file: string): () => void {
  const lock = new Database(`${file}.lock`, { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new StorageFault('unavailable', `${file} is in use by another control plane`, error);
  }
  return () => {
    lock.close();
  };
}
