import type { ObjectRef, StoredObject } from '@pulseplane/resources';
import type { StoredEvent } from '../event.ts';
import type { Append, AppendResult, EventLog, ObjectFilter } from '../event-log.ts';
import { Followers } from '../followers.ts';
import { startCheckpointer } from './checkpointer.ts';
import { openDatabase } from './database.ts';
import { lockFile } from './file-lock.ts';
import { GroupCommit } from './group-commit.ts';
import { SqliteStore } from './sqlite-store.ts';

/** Commands that may wait for one transaction. */
const CAPACITY = 10_000;

/**
 * The log in one SQLite file. Commands of one turn share a transaction with the read table's changes; each is answered
 * after the fsync. Throws a StorageFault when the file cannot be opened or another control plane has it.
 */
export function openSqliteEventLog(file: string): EventLog {
  const unlock = lockFile(file);
  try {
    return new SqliteEventLog(new SqliteStore(openDatabase(file)), unlock, startCheckpointer(file));
  } catch (error) {
    unlock();
    throw error;
  }
}

class SqliteEventLog implements EventLog {
  readonly #store: SqliteStore;
  readonly #unlock: () => void;
  readonly #stopCheckpointer: () => Promise<void>;
  readonly #followers = new Followers();
  readonly #commits: GroupCommit;

  constructor(store: SqliteStore, unlock: () => void, stopCheckpointer: () => Promise<void>) {
    this.#store = store;
    this.#unlock = unlock;
    this.#stopCheckpointer = stopCheckpointer;
    this.#commits = new GroupCommit({
      capacity: CAPACITY,
      commit: (batch) => store.commit(batch),
      committed: (results) => {
        for (const result of results) if (result.kind === 'appended') this.#followers.announce(result.events);
      },
    });
  }

  append(append: Append): Promise<AppendResult> {
    return this.#commits.append(append);
  }

  object(ref: ObjectRef): StoredObject | undefined {
    return this.#store.object(ref);
  }

  objects(filter: ObjectFilter): readonly StoredObject[] {
    return this.#store.objects(filter);
  }

  objectAt(ref: ObjectRef, seq: number): StoredObject | undefined {
    return this.#store.objectAt(ref, seq);
  }

  objectsAt(filter: ObjectFilter, seq: number): readonly StoredObject[] {
    return this.#store.objectsAt(filter, seq);
  }

  read(range: { readonly from: number; readonly limit: number }): readonly StoredEvent[] {
    return this.#store.read(range);
  }

  history(ref: ObjectRef, range: { readonly before: number; readonly limit: number }): readonly StoredEvent[] {
    return this.#store.history(ref, range);
  }

  appended(idempotencyKey: string): readonly StoredEvent[] | undefined {
    return this.#store.appended(idempotencyKey);
  }

  seqAt(time: string): number {
    return this.#store.seqAt(time);
  }

  follow(listener: (events: readonly StoredEvent[]) => void): () => void {
    return this.#followers.add(listener);
  }

  head(): number {
    return this.#store.head().seq;
  }

  floor(): number {
    return this.#store.floor();
  }

  async close(): Promise<void> {
    this.#commits.flush();
    await this.#stopCheckpointer();
    this.#store.db.close();
    this.#unlock();
  }
}
