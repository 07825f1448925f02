import type { Connection } from '../sqlite/driver.ts';

/** How many pages the WAL of a database holds that were written since it began anew. Moves none of them. */
export function framesInWal(db: Connection): number {
  const [row] = db.pragma('wal_checkpoint(NOOP)') as readonly { readonly log: number }[];
  return row?.log ?? -1;
}
