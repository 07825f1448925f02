import { readdirSync, readFileSync } from 'node:fs';
import { type Connection, Database } from './driver.ts';
import { asStorageFault } from './fault.ts';

/** Also from the control plane's one file: services/control-plane/dist/bundle is as deep. */
const MIGRATIONS = new URL('../../../../migrations/', import.meta.url);

/**
 * Opens (or creates) a database file, durable and migrated.
 * WAL alone would not do: its default in this driver is synchronous=NORMAL, which loses the last commits with the
 * power. So FULL is set and read back. Throws a StorageFault when the file cannot be opened, an Error when it is from a newer version.
 */
export function openDatabase(file: string): Connection {
  let db: Connection;
  try {
    db = new Database(file);
  } catch (error) {
    throw asStorageFault(error, file);
  }
  try {
    expectPragma(db, 'journal_mode', 'WAL', 'wal');
    expectPragma(db, 'synchronous', 'FULL', 2);
    db.pragma('journal_size_limit = 67108864');
    // In KiB. The default of 2 MiB is less than the inner pages of a large log: each append would read some again. With many
    // times this, SQLite looks through the whole cache at each commit.
    db.pragma('cache_size = -16384');
    // A thread of its own checkpoints: see checkpointer.ts.
    db.pragma('wal_autocheckpoint = 0');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw asStorageFault(error, file);
  }
}

function expectPragma(db: Connection, name: string, value: string, expected: string | number): void {
  db.pragma(`${name} = ${value}`);
  const actual = db.pragma(name, { simple: true });
  if (actual !== expected) throw new Error(`${db.name}: ${name} is ${String(actual)}, but must be ${expected}`);
}

/** Applies the migrations that `user_version` does not count yet, each in a transaction of its own. */
function migrate(db: Connection): void {
  const files = readdirSync(MIGRATIONS)
    .filter((file) => /^\d{4}_.*\.sql$/.test(file))
    .sort();
  const applied = Number(db.pragma('user_version', { simple: true }));
  if (applied > files.length) {
    throw new Error(`${db.name} was written by a newer version: schema ${applied}, this one knows ${files.length}`);
  }
  for (const [index, file] of files.entries()) {
    if (index < applied) continue;
    db.transaction(() => {
      db.exec(readFileSync(new URL(file, MIGRATIONS), 'utf8'));
      db.pragma(`user_version = ${index + 1}`);
    }).immediate();
  }
}
