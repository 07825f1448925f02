import type { ObjectRef } from '@pulseplane/resources';
import type { Statement } from 'better-sqlite3';
import type { ChainHead } from '../chain.ts';
import type { ObjectFilter } from '../event-log.ts';
import type { Connection } from './driver.ts';
import { EVENT_COLUMNS, type EventRow, type ObjectRow, type SubjectRow } from './rows.ts';

/** The parts of a filter; null: not given. */
export type FilterParameters = {
  group: string | null;
  kind: string | null;
  namespace: string | null;
  afterNamespace: string | null;
  afterName: string | null;
};
type Value = string | number | null;

/** Every statement of the log, prepared once. */
export type Statements = {
  readonly head: Statement<[], ChainHead>;
  readonly events: Statement<[{ from: number; limit: number }], EventRow>;
  readonly insertEvent: Statement<Value[]>;
  readonly insertWaypoint: Statement<[number, number]>;
  readonly subject: Statement<[string, string, string, string], SubjectRow>;
  readonly insertSubject: Statement<[string, string, string, string]>;
  readonly setHead: Statement<[number, number, number, number]>;
  readonly object: Statement<[number], ObjectRow>;
  readonly objects: (filter: ObjectFilter) => Statement<[FilterParameters], ObjectRow>;
  readonly objectAt: Statement<[ObjectRef & { seq: number }], ObjectRow & Pick<EventRow, 'type'>>;
  readonly objectsAt: Statement<[FilterParameters & { seq: number }], ObjectRow>;
  readonly history: Statement<[ObjectRef & { seq: number; limit: number }], EventRow>;
  readonly contents: Statement<[string], number>;
  readonly timeOf: Statement<[number], string>;
  readonly insertCommand: Statement<[string, number, number, string]>;
  readonly command: Statement<[string], { first_seq: number; last_seq: number }>;
  readonly compaction: Statement<[], { through_seq: number }>;
};

/** Every 64th event of a subject is a waypoint. */
export const WAYPOINT_EVERY = 64;

const NAMES = 'subject_group, subject_kind, subject_namespace, subject_name';
const OBJECT_COLUMNS = `events.seq, ${NAMES}, events.time, events.object`;

const FILTER = `subject_group = coalesce(@group, subject_group)
  AND subject_kind = coalesce(@kind, subject_kind)
  AND subject_namespace = coalesce(@namespace, subject_namespace)
  AND (@afterNamespace IS NULL OR (subject_namespace, subject_name) > (@afterNamespace, @afterName))`;

/**
 * A subject's events, newest first, from one at or above @seq on, by the links from each to the one before it. CROSS JOIN
 * keeps SQLite from another order of the loops, and so the walk lazy and its events in order.
 */
const walkOf = (subjects: string): string => `
  WITH RECURSIVE walk (subject, seq) AS (
    SELECT id, coalesce((SELECT min(seq) FROM waypoints WHERE waypoints.subject = id AND seq >= @seq), newest)
    FROM subjects JOIN heads ON heads.subject = id WHERE ${subjects}
    UNION ALL
    SELECT events.subject, events.previous FROM walk CROSS JOIN events ON events.seq = walk.seq
    WHERE events.previous > 0 AND`;

/** Each event with the names of its subject. */
export const EVENTS = `SELECT events.*, ${NAMES} FROM events LEFT JOIN subjects ON subjects.id = events.subject`;

export function prepareStatements(db: Connection): Statements {
  const named = `subject_group = @group AND subject_kind = @kind
    AND subject_namespace = @namespace AND subject_name = @name`;
  return {
    head: db.prepare('SELECT seq, hash, time FROM events ORDER BY seq DESC LIMIT 1'),
    events: db.prepare(`${EVENTS} WHERE seq >= @from ORDER BY seq LIMIT @limit`),
    insertEvent: db.prepare(
      `INSERT INTO events (${EVENT_COLUMNS.join(', ')}) VALUES (${EVENT_COLUMNS.map(() => '?').join(', ')})`,
    ),
    insertWaypoint: db.prepare('INSERT INTO waypoints (subject, seq) VALUES (?, ?)'),
    subject: db.prepare(
      `SELECT id, newest, revision, version FROM subjects JOIN heads ON subject = id
       WHERE subject_group = ? AND subject_kind = ? AND subject_namespace = ? AND subject_name = ?`,
    ),
    insertSubject: db.prepare(`INSERT INTO subjects (${NAMES}) VALUES (?, ?, ?, ?)`),
    setHead: db.prepare('INSERT OR REPLACE INTO heads (subject, newest, revision, version) VALUES (?, ?, ?, ?)'),
    object: db.prepare(
      `SELECT ${OBJECT_COLUMNS} FROM events JOIN subjects ON subjects.id = events.subject WHERE events.seq = ?`,
    ),
    objects: objectStatements(db),
    objectAt: db.prepare(
      `${walkOf(named)} walk.seq > @seq)
       SELECT ${OBJECT_COLUMNS}, events.type
       FROM walk CROSS JOIN events ON events.seq = walk.seq CROSS JOIN subjects ON subjects.id = walk.subject
       WHERE walk.seq <= @seq`,
    ),
    objectsAt: db.prepare(
      `${walkOf(FILTER)} walk.seq > @seq)
       SELECT ${OBJECT_COLUMNS}
       FROM walk CROSS JOIN events ON events.seq = walk.seq CROSS JOIN subjects ON subjects.id = walk.subject
       WHERE walk.seq <= @seq AND type NOT IN ('Deleted', 'Compacted') ORDER BY ${NAMES}`,
    ),
    history: db.prepare(
      `${walkOf(named)} true)
       SELECT events.*, ${NAMES}
       FROM walk CROSS JOIN events ON events.seq = walk.seq CROSS JOIN subjects ON subjects.id = walk.subject
       WHERE walk.seq <= @seq LIMIT @limit`,
    ),
    contents: db
      .prepare<[string], number>(
        `SELECT count(*) FROM subjects JOIN heads ON heads.subject = subjects.id
         WHERE subject_namespace = ? AND version > 0`,
      )
      .pluck(),
    timeOf: db.prepare<[number], string>('SELECT time FROM events WHERE seq <= ? ORDER BY seq DESC LIMIT 1').pluck(),
    insertCommand: db.prepare(
      'INSERT INTO commands (idempotency_key, first_seq, last_seq, digest) VALUES (?, ?, ?, ?)',
    ),
    command: db.prepare('SELECT first_seq, last_seq FROM commands WHERE idempotency_key = ?'),
    compaction: db.prepare('SELECT through_seq FROM compaction'),
  };
}

/** One statement for each set of parts that a filter gives, so that the index of names leads to the rows. */
function objectStatements(db: Connection): Statements['objects'] {
  const prepared = new Map<string, Statement<[FilterParameters], ObjectRow>>();
  return (filter) => {
    const given = (['group', 'kind', 'namespace'] as const).filter((part) => filter[part] !== undefined);
    const conditions = given.map((part) => `subject_${part} = @${part}`);
    if (filter.after !== undefined)
      conditions.push('(subject_namespace, subject_name) > (@afterNamespace, @afterName)');
    const condition = conditions.join(' AND ') || 'true';
    const statement =
      prepared.get(condition) ??
      db.prepare<[FilterParameters], ObjectRow>(
        `SELECT ${OBJECT_COLUMNS}
         FROM subjects CROSS JOIN heads ON heads.subject = subjects.id CROSS JOIN events ON events.seq = heads.version
         WHERE ${condition} ORDER BY ${NAMES}`,
      );
    prepared.set(condition, statement);
    return statement;
  };
}
