import type { ObjectRef } from '@pulseplane/resources';
import type { Statement } from 'better-sqlite3';
import type { ChainHead } from '../chain.ts';
import type { Connection } from './database.ts';
import { EVENT_COLUMNS, type EventRow, type ObjectRow } from './rows.ts';

type FilterParameters = { group: string | null; kind: string | null; namespace: string | null };
type Value = string | number | null;

/** Every statement of the log, prepared once. */
export type Statements = {
  readonly head: Statement<[], ChainHead>;
  readonly events: Statement<[{ from: number; limit: number }], EventRow>;
  readonly insertEvent: Statement<Value[]>;
  readonly eventAt: Statement<[ObjectRef & { seq: number }], EventRow>;
  readonly history: Statement<[ObjectRef & { before: number; limit: number }], EventRow>;
  readonly timeOf: Statement<[number], string>;
  readonly version: Statement<[ObjectRef], number>;
  readonly object: Statement<[ObjectRef], ObjectRow>;
  readonly objects: Statement<[FilterParameters], ObjectRow>;
  readonly objectsAt: Statement<[FilterParameters & { seq: number }], EventRow>;
  readonly upsertObject: Statement<Value[]>;
  readonly deleteObject: Statement<Value[]>;
  readonly insertCommand: Statement<[string, number, number]>;
  readonly command: Statement<[string], { first_seq: number; last_seq: number }>;
  readonly compaction: Statement<[], { through_seq: number }>;
};

const SUBJECT = `subject_group = @group AND subject_kind = @kind
  AND subject_namespace = @namespace AND subject_name = @name`;
const OBJECT = `object_group = @group AND object_kind = @kind
  AND object_namespace = @namespace AND object_name = @name`;

export function prepareStatements(db: Connection): Statements {
  return {
    head: db.prepare('SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1'),
    events: db.prepare('SELECT * FROM events WHERE seq >= @from ORDER BY seq LIMIT @limit'),
    insertEvent: db.prepare(
      `INSERT INTO events (${EVENT_COLUMNS.join(', ')}) VALUES (${EVENT_COLUMNS.map(() => '?').join(', ')})`,
    ),
    eventAt: db.prepare(`SELECT * FROM events WHERE ${SUBJECT} AND seq <= @seq ORDER BY seq DESC LIMIT 1`),
    history: db.prepare(`SELECT * FROM events WHERE ${SUBJECT} AND seq < @before ORDER BY seq DESC LIMIT @limit`),
    timeOf: db.prepare<[number], string>('SELECT time FROM events WHERE seq <= ? ORDER BY seq DESC LIMIT 1').pluck(),
    version: db.prepare<[ObjectRef], number>(`SELECT version FROM objects WHERE ${OBJECT}`).pluck(),
    object: db.prepare(`SELECT * FROM objects WHERE ${OBJECT}`),
    objects: db.prepare(
      `SELECT * FROM objects WHERE object_group = coalesce(@group, object_group)
         AND object_kind = coalesce(@kind, object_kind)
         AND object_namespace = coalesce(@namespace, object_namespace)
       ORDER BY object_group, object_kind, object_namespace, object_name`,
    ),
    objectsAt: db.prepare(
      `SELECT events.* FROM events JOIN (
         SELECT max(seq) AS last FROM events
         WHERE seq <= @seq AND subject_group = coalesce(@group, subject_group)
           AND subject_kind = coalesce(@kind, subject_kind)
           AND subject_namespace = coalesce(@namespace, subject_namespace)
         GROUP BY subject_group, subject_kind, subject_namespace, subject_name
       ) ON seq = last WHERE type <> 'Deleted'
       ORDER BY subject_group, subject_kind, subject_namespace, subject_name`,
    ),
    upsertObject: db.prepare(
      `INSERT INTO objects (object_group, object_kind, object_namespace, object_name, version, changed_at, object)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at, object = excluded.object`,
    ),
    deleteObject: db.prepare(
      `DELETE FROM objects WHERE object_group = ? AND object_kind = ? AND object_namespace = ? AND object_name = ?`,
    ),
    insertCommand: db.prepare('INSERT INTO commands (idempotency_key, first_seq, last_seq) VALUES (?, ?, ?)'),
    command: db.prepare('SELECT first_seq, last_seq FROM commands WHERE idempotency_key = ?'),
    compaction: db.prepare('SELECT through_seq FROM compaction'),
  };
}
