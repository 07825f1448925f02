import type { Append, AppendResult, EventLog } from '../event-log.ts';
import { startCheckpointer } from './checkpointer.ts';
import { openDatabase } from './database.ts';
import { lockFile } from './file-lock.ts';
import { GroupCommit } from './group-commit.ts';
import { SqliteStore } from './sqlite-store.ts';
import { StoreBackedEventLog } from './store-backed-event-log.ts';

/** Commands that may wait for one transaction. */
const CAPACITY = 10_000;

/**
 * The log in one SQLite file. Commands of one turn share a transaction with the read table's changes; each is answered
 * after the fsync. Throws a StorageFault when the file cannot be opened or another control plane has it.
 */
export function openSqliteEventLog(file: string): EventLog {
  const unlock = lockFile(file);
  try {
    const store = new SqliteStore(openDatabase(file));
    return new SqliteEventLog(store, unlock, startCheckpointer(store.db));
  } catch (error) {
    unlock();
    throw error;
  }
}

class SqliteEventLog extends StoreBackedEventLog {
  readonly #unlock: () => void;
  readonly #stopCheckpointer: () => Promise<void>;
  readonly #commits: GroupCommit;

  constructor(store: SqliteStore, unlock: () => void, stopCheckpointer: () => Promise<void>) {
    super(store);
    this.#unlock = unlock;
    this.#stopCheckpointer = stopCheckpointer;
    this.#commits = new GroupCommit({
      capacity: CAPACITY,
      commit: (batch) => store.commit(batch),
      committed: (results) => this.announce(results),
    });
  }

  append(append: Append): Promise<AppendResult> {
    return this.#commits.append(append);
  }

  async close(): Promise<void> {
    this.#commits.flush();
    await this.#stopCheckpointer();
    this.store.db.close();
    this.#unlock();
  }
}
