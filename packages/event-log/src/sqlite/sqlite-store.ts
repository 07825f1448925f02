import { type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import { type ChainHead, EMPTY_CHAIN, type SealedEvent, seal } from '../chain.ts';
import type { StoredEvent } from '../event.ts';
import { type Append, type AppendResult, contentsConflict, type ObjectFilter } from '../event-log.ts';
import type { Connection } from './driver.ts';
import { asStorageFault } from './fault.ts';
import { commandDigest, fromEventRow, fromObjectRow, toEventValues } from './rows.ts';
import { type FilterParameters, prepareStatements, type Statements, WAYPOINT_EVERY } from './statements.ts';
import { SubjectTable } from './subject-table.ts';

/** A command, and the schema version that its events are sealed in: where nobody says otherwise, the newest. */
export type StoreAppend = Append & { readonly schemaVersion?: number };

/** Objects that are kept as they were last read, so that a busy one (a namespace) is not parsed for each command. */
const MOST_OBJECTS = 1_000;
const LARGEST_OBJECT = 16 * 1024;

/** The log's tables in one connection, synchronous: what every adapter that keeps a SQLite file is built on. */
export class SqliteStore {
  readonly db: Connection;
  readonly #statements: Statements;
  readonly #transaction: (batch: readonly StoreAppend[], also: () => void) => readonly AppendResult[];
  readonly #subjects: SubjectTable;
  readonly #objects = new Map<string, StoredObject>();
  #head: ChainHead;

  constructor(db: Connection) {
    this.db = db;
    this.#statements = prepareStatements(db);
    this.#subjects = new SubjectTable(this.#statements);
    this.#head = this.#readHead();
    const transaction = db.transaction((batch: readonly StoreAppend[], also: () => void) => {
      const results = batch.map((append) => this.#write(append));
      also();
      return results;
    });
    this.#transaction = (batch, also) => transaction.immediate(batch, also);
  }

  /**
   * Writes commands in one transaction, durable when it returns; `also` takes part in it. Each command is accepted or
   * refused by itself. Throws a StorageFault, and then nothing of the batch is written.
   */
  commit(batch: readonly StoreAppend[], also: () => void = () => {}): readonly AppendResult[] {
    const before = this.#head;
    try {
      return this.#transaction(batch, also);
    } catch (error) {
      this.#head = before;
      this.#subjects.forget();
      throw asStorageFault(error, this.db.name);
    }
  }

  #write({ expected, contents, events, idempotencyKey, schemaVersion }: StoreAppend): AppendResult {
    const first = idempotencyKey === undefined ? undefined : this.appended(idempotencyKey);
    if (first !== undefined) return { kind: 'repeated', events: first };
    for (const { ref, version } of expected) {
      const actual = this.#subjects.find(ref)?.version ?? 0;
      if (actual !== version) return { kind: 'conflict', ref, expected: version, actual };
    }
    if (contents !== undefined) {
      const actual = this.#statements.contents.get(contents.namespace) ?? 0;
      if (actual !== contents.objects) return contentsConflict(contents, actual);
    }
    const sealed = seal(this.#head, events, schemaVersion);
    for (const each of sealed) this.#insert(each);
    const last = sealed.at(-1)?.event;
    if (last !== undefined) this.#head = last;
    if (idempotencyKey !== undefined && last !== undefined) {
      const first_seq = last.seq - sealed.length + 1;
      const digest = commandDigest({ idempotency_key: idempotencyKey, first_seq, last_seq: last.seq });
      this.#statements.insertCommand.run(idempotencyKey, first_seq, last.seq, digest);
    }
    return { kind: 'appended', events: sealed.map(({ event }) => event) };
  }

  #insert(sealed: SealedEvent): void {
    const { seq, type, subject } = sealed.event;
    const exists = type !== 'Deleted' && type !== 'Compacted';
    const { id, previous, revision } = this.#subjects.advance(subject, seq, exists);
    this.#statements.insertEvent.run(...toEventValues(sealed, id, previous, revision));
    if (revision % WAYPOINT_EVERY === 0) this.#statements.insertWaypoint.run(id, seq);
  }

  object(ref: ObjectRef): StoredObject | undefined {
    const version = this.#reading(() => this.#subjects.find(ref))?.version ?? 0;
    if (version === 0) return undefined;
    const key = refKey(ref);
    const known = this.#objects.get(key);
    if (known?.version === version) return known;
    const row = this.#reading(() => this.#statements.object.get(version));
    if (row === undefined) return undefined;
    const object = fromObjectRow(row);
    if (row.object.length > LARGEST_OBJECT) return object;
    if (this.#objects.size >= MOST_OBJECTS) this.#objects.clear();
    this.#objects.set(key, object);
    return object;
  }

  objects(filter: ObjectFilter): readonly StoredObject[] {
    return this.#reading(() => this.#statements.objects(filter).all(toParameters(filter))).map(fromObjectRow);
  }

  *each(filter: ObjectFilter): Generator<StoredObject> {
    try {
      for (const row of this.#statements.objects(filter).iterate(toParameters(filter))) yield fromObjectRow(row);
    } catch (error) {
      throw asStorageFault(error, this.db.name);
    }
  }

  objectAt(ref: ObjectRef, seq: number): StoredObject | undefined {
    const row = this.#reading(() => this.#statements.objectAt.get({ ...ref, seq }));
    return row === undefined || row.type === 'Deleted' || row.type === 'Compacted' ? undefined : fromObjectRow(row);
  }

  objectsAt(filter: ObjectFilter, seq: number): readonly StoredObject[] {
    return this.#reading(() => this.#statements.objectsAt.all({ ...toParameters(filter), seq })).map(fromObjectRow);
  }

  read(range: { readonly from: number; readonly limit: number }): readonly StoredEvent[] {
    return this.#reading(() => this.#statements.events.all(range)).map(fromEventRow);
  }

  history(
    ref: ObjectRef,
    { before, limit }: { readonly before: number; readonly limit: number },
  ): readonly StoredEvent[] {
    return this.#reading(() => this.#statements.history.all({ ...ref, limit, seq: before - 1 })).map(fromEventRow);
  }

  appended(idempotencyKey: string): readonly StoredEvent[] | undefined {
    const command = this.#reading(() => this.#statements.command.get(idempotencyKey));
    if (command === undefined) return undefined;
    return this.read({ from: command.first_seq, limit: command.last_seq - command.first_seq + 1 });
  }

  /** By bisection: times never go back, so no index on time is kept. (Up to schema version 2 they could.) */
  seqAt(time: string): number {
    let low = this.floor() - 1;
    let high = this.#head.seq;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const at = this.#reading(() => this.#statements.timeOf.get(middle));
      if (at !== undefined && at <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  head(): ChainHead {
    return this.#head;
  }

  floor(): number {
    return (this.#reading(() => this.#statements.compaction.get())?.through_seq ?? 0) + 1;
  }

  #reading<Value>(read: () => Value): Value {
    try {
      return read();
    } catch (error) {
      throw asStorageFault(error, this.db.name);
    }
  }

  #readHead(): ChainHead {
    return this.#reading(() => this.#statements.head.get()) ?? EMPTY_CHAIN;
  }
}

function toParameters({ group, kind, namespace, after }: ObjectFilter): FilterParameters {
  return {
    group: group ?? null,
    kind: kind ?? null,
    namespace: namespace ?? null,
    afterNamespace: after?.namespace ?? null,
    afterName: after?.name ?? null,
  };
}
