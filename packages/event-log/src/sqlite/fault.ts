import { StorageFault, type StorageFaultKind } from '../storage-fault.ts';
import { Database } from './driver.ts';

const KINDS: Readonly<Record<string, StorageFaultKind>> = {
  SQLITE_FULL: 'full',
  SQLITE_READONLY: 'read-only',
  SQLITE_CORRUPT: 'corrupt',
  SQLITE_NOTADB: 'corrupt',
  SQLITE_IOERR: 'unavailable',
  SQLITE_CANTOPEN: 'unavailable',
  SQLITE_BUSY: 'unavailable',
  SQLITE_PERM: 'read-only',
};

/** Names a fault of the storage; any other error is given back as it is. */
export function asStorageFault(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  // Extended codes continue the primary one: SQLITE_IOERR_WRITE, SQLITE_READONLY_DBMOVED.
  const primary = error.code.split('_').slice(0, 2).join('_');
  const kind = KINDS[primary];
  return kind === undefined ? error : new StorageFault(kind, `${file}: ${error.message} (${error.code})`, error);
}
