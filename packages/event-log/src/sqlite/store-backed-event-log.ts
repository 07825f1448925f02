import type { ObjectRef, StoredObject } from '@pulseplane/resources';
import type { StoredEvent } from '../event.ts';
import type { Append, AppendResult, EventLog, ObjectFilter } from '../event-log.ts';
import { Followers } from '../followers.ts';
import type { SqliteStore } from './sqlite-store.ts';

/** What every adapter that keeps a SQLite file has in common: reads come from the file, followers hear what was committed. */
export abstract class StoreBackedEventLog implements EventLog {
  protected readonly store: SqliteStore;
  readonly #followers = new Followers();

  constructor(store: SqliteStore) {
    this.store = store;
  }

  abstract append(append: Append): Promise<AppendResult>;
  abstract close(): Promise<void>;

  /** Tells the followers what has become durable. */
  protected announce(results: readonly AppendResult[]): void {
    for (const result of results) if (result.kind === 'appended') this.#followers.announce(result.events);
  }

  object(ref: ObjectRef): StoredObject | undefined {
    return this.store.object(ref);
  }

  objects(filter: ObjectFilter): readonly StoredObject[] {
    return this.store.objects(filter);
  }

  each(filter: ObjectFilter): Iterable<StoredObject> {
    return this.store.each(filter);
  }

  objectAt(ref: ObjectRef, seq: number): StoredObject | undefined {
    return this.store.objectAt(ref, seq);
  }

  objectsAt(filter: ObjectFilter, seq: number): readonly StoredObject[] {
    return this.store.objectsAt(filter, seq);
  }

  read(range: { readonly from: number; readonly limit: number }): readonly StoredEvent[] {
    return this.store.read(range);
  }

  history(ref: ObjectRef, range: { readonly before: number; readonly limit: number }): readonly StoredEvent[] {
    return this.store.history(ref, range);
  }

  appended(idempotencyKey: string): readonly StoredEvent[] | undefined {
    return this.store.appended(idempotencyKey);
  }

  seqAt(time: string): number {
    return this.store.seqAt(time);
  }

  follow(listener: (events: readonly StoredEvent[]) => void): () => void {
    return this.#followers.add(listener);
  }

  head(): number {
    return this.store.head().seq;
  }

  floor(): number {
    return this.store.floor();
  }
}
