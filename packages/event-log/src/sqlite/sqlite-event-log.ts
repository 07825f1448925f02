import type { ObjectRef, StoredObject } from '@pulseplane/resources';
import { type ChainHead, EMPTY_CHAIN, seal } from '../chain.ts';
import type { StoredEvent } from '../event.ts';
import type { Append, AppendResult, EventLog, ObjectFilter } from '../event-log.ts';
import { Followers } from '../followers.ts';
import { type Connection, openDatabase } from './database.ts';
import { type EventRow, fromEventRow, fromObjectRow, type ObjectRow, toEventRow, toObjectRow } from './rows.ts';

/**
 * The log in one SQLite file. An append and the read table's change are one transaction, durable (fsync) before the
 * promise resolves. Throws when the file cannot be opened.
 */
export function openSqliteEventLog(file: string): EventLog {
  return new SqliteEventLog(openDatabase(file));
}

class SqliteEventLog implements EventLog {
  readonly #db: Connection;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #followers = new Followers();
  readonly #commit: (append: Append) => AppendResult;
  #head: ChainHead;

  constructor(db: Connection) {
    this.#db = db;
    this.#statements = prepare(db);
    this.#head = this.#statements.head.get() ?? EMPTY_CHAIN;
    const transaction = db.transaction((append: Append) => this.#write(append));
    this.#commit = (append) => transaction.immediate(append);
  }

  async append(append: Append): Promise<AppendResult> {
    const result = this.#commit(append);
    if (result.kind === 'appended') {
      this.#head = result.events.at(-1) ?? this.#head;
      this.#followers.announce(result.events);
    }
    return result;
  }

  #write({ expected, events }: Append): AppendResult {
    for (const { ref, version } of expected) {
      const actual = this.object(ref)?.version ?? 0;
      if (actual !== version) return { kind: 'conflict', ref, expected: version, actual };
    }
    const sealed = seal(this.#head, events);
    for (const event of sealed) {
      this.#statements.insertEvent.run(toEventRow(event));
      if (event.type === 'Deleted') this.#statements.deleteObject.run(event.subject);
      else this.#statements.upsertObject.run(toObjectRow(event));
    }
    return { kind: 'appended', events: sealed };
  }

  object(ref: ObjectRef): StoredObject | undefined {
    const row = this.#statements.object.get(ref);
    return row && fromObjectRow(row);
  }

  objects({ group, kind, namespace }: ObjectFilter): readonly StoredObject[] {
    return this.#statements.objects
      .all({ group: group ?? null, kind: kind ?? null, namespace: namespace ?? null })
      .map(fromObjectRow);
  }

  read(range: { readonly from: number; readonly limit: number }): readonly StoredEvent[] {
    return this.#statements.events.all(range).map(fromEventRow);
  }

  follow(listener: (events: readonly StoredEvent[]) => void): () => void {
    return this.#followers.add(listener);
  }

  head(): number {
    return this.#head.seq;
  }

  close(): void {
    this.#db.close();
  }
}

function prepare(db: Connection) {
  return {
    head: db.prepare<[], ChainHead>('SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1'),
    events: db.prepare<[{ from: number; limit: number }], EventRow>(
      'SELECT * FROM events WHERE seq >= @from ORDER BY seq LIMIT @limit',
    ),
    insertEvent: db.prepare<[EventRow]>(
      `INSERT INTO events (seq, id, type, subject_group, subject_kind, subject_namespace, subject_name, subject_uid,
         object, actor_user, actor_via, request_id, time, schema_version, prev_hash, hash)
       VALUES (@seq, @id, @type, @subject_group, @subject_kind, @subject_namespace, @subject_name, @subject_uid,
         @object, @actor_user, @actor_via, @request_id, @time, @schema_version, @prev_hash, @hash)`,
    ),
    object: db.prepare<[ObjectRef], ObjectRow>(
      `SELECT * FROM objects WHERE object_group = @group AND object_kind = @kind
         AND object_namespace = @namespace AND object_name = @name`,
    ),
    objects: db.prepare<[{ group: string | null; kind: string | null; namespace: string | null }], ObjectRow>(
      `SELECT * FROM objects WHERE object_group = coalesce(@group, object_group)
         AND object_kind = coalesce(@kind, object_kind)
         AND object_namespace = coalesce(@namespace, object_namespace)
       ORDER BY object_group, object_kind, object_namespace, object_name`,
    ),
    upsertObject: db.prepare<[ObjectRow]>(
      `INSERT INTO objects (object_group, object_kind, object_namespace, object_name, version, changed_at, object)
       VALUES (@object_group, @object_kind, @object_namespace, @object_name, @version, @changed_at, @object)
       ON CONFLICT DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at, object = excluded.object`,
    ),
    deleteObject: db.prepare<[ObjectRef]>(
      `DELETE FROM objects WHERE object_group = @group AND object_kind = @kind
         AND object_namespace = @namespace AND object_name = @name`,
    ),
  };
}
