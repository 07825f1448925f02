import type { Connection } from './driver.ts';
import type { EventRow, SubjectRow } from './rows.ts';
import { WAYPOINT_EVERY } from './statements.ts';

type NamedSubject = SubjectRow &
  Pick<EventRow, 'subject_kind' | 'subject_namespace' | 'subject_name'> & { readonly waypoints: number };

type Fold = { newest: number; revision: number; version: number; waypoints: number };

/**
 * Folds a log's events, from the first on, into what the read tables must hold, and compares. The names of a
 * subject need no look, nor does a subject that is missing: the hashes of its events hold the names, and the check of
 * the file's pages compares the index of names with them.
 */
export class SubjectsCheck {
  readonly #through: number;
  readonly #report: (seq: number, problem: string) => void;
  readonly #subjects = new Map<number, Fold>();

  /** `through`: up to where events may be missing, because a compaction dropped them. */
  constructor(through: number, report: (seq: number, problem: string) => void) {
    this.#through = through;
    this.#report = report;
  }

  take(row: EventRow): void {
    const before = this.#subjects.get(row.subject);
    const isDropped = row.previous > 0 && row.previous <= this.#through && row.revision > 1;
    const isLinked =
      before === undefined
        ? (row.previous === 0 && row.revision === 1) || isDropped
        : row.previous === before.newest && row.revision === before.revision + 1;
    if (!isLinked) this.#report(row.seq, 'its link to the event before it of the same object is not right');
    const subject = before ?? { newest: 0, revision: 0, version: 0, waypoints: 0 };
    subject.newest = row.seq;
    subject.revision = row.revision;
    subject.version = row.type === 'Deleted' || row.type === 'Compacted' ? 0 : row.seq;
    if (row.revision % WAYPOINT_EVERY === 0) subject.waypoints += 1;
    this.#subjects.set(row.subject, subject);
  }

  /** Compares with the tables; returns how many objects there are. */
  finish(db: Connection): number {
    const rows = db.prepare<[], NamedSubject>(
      `SELECT subjects.*, newest, revision, version, (
         SELECT count(*) FROM waypoints JOIN events USING (seq, subject)
         WHERE waypoints.subject = subjects.id AND events.revision % ${WAYPOINT_EVERY} = 0
       ) AS waypoints
       FROM subjects LEFT JOIN heads ON heads.subject = subjects.id`,
    );
    for (const row of rows.iterate()) {
      const expected = this.#subjects.get(row.id);
      const name = `${row.subject_kind} ${row.subject_namespace}/${row.subject_name}`;
      if (expected === undefined) this.#report(row.newest, `the table has ${name}, which no event leaves behind`);
      else if (
        row.newest !== expected.newest ||
        row.revision !== expected.revision ||
        row.version !== expected.version ||
        row.waypoints !== expected.waypoints
      ) {
        this.#report(expected.newest, `the table has ${name} otherwise than this event left it`);
      }
    }
    this.#findStrays(db);
    return [...this.#subjects.values()].filter(({ version }) => version > 0).length;
  }

  #findStrays(db: Connection): void {
    const heads = db.prepare<[], number>('SELECT newest FROM heads WHERE subject NOT IN (SELECT id FROM subjects)');
    for (const seq of heads.pluck().iterate()) this.#report(seq, 'the table has a head of no object');
    const stray = db.prepare<[], number>(
      `SELECT seq FROM waypoints WHERE NOT EXISTS (SELECT 1 FROM events
         WHERE events.seq = waypoints.seq AND events.subject = waypoints.subject AND revision % ${WAYPOINT_EVERY} = 0)`,
    );
    for (const seq of stray.pluck().iterate()) this.#report(seq, 'it is a waypoint, but should not be');
  }
}
