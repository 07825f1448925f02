import type { NewEvent } from '../event.ts';
import { asStorageFault } from './fault.ts';
import type { EventRow } from './rows.ts';
import type { SqliteStore } from './sqlite-store.ts';
import { compactionName, compactionSpec, RetainedDigest } from './verify.ts';

/** What to keep. An event that any of the rules keeps stays. */
export type CompactionPolicy = {
  /** The newest events of each object; at least 1. */
  readonly keepVersions: number;
  /** Every event at or after this time (RFC 3339, UTC). Absent: age keeps nothing. */
  readonly keepSince?: string;
};

export type CompactionReport = {
  readonly dropped: number;
  readonly retained: number;
  readonly through: number;
  /** Why the file is still as large as it was. */
  readonly unshrunk?: string;
};

/**
 * Drops old events in one transaction, and appends one that carries the chain on: it names the last dropped hash and a
 * digest of what was kept, so the log stays verifiable. The state at sequence numbers up to `through` is no longer
 * known. Throws a StorageFault, and then nothing is dropped.
 */
export function compactStore(
  store: SqliteStore,
  policy: CompactionPolicy,
  about: Pick<NewEvent, 'id' | 'actor' | 'requestId' | 'time'>,
): CompactionReport {
  const { db } = store;
  const through = policy.keepSince === undefined ? store.head().seq : lastBefore(store, policy.keepSince);
  const nothing = { dropped: 0, retained: 0, through: store.floor() - 1 };
  if (through < store.floor()) return nothing;
  const throughHash = db.prepare<[number], string>('SELECT hash FROM events WHERE seq = ?').pluck().get(through) ?? '';
  const report = { dropped: 0, retained: 0, through };
  const drop = (): void => {
    db.exec('DROP TRIGGER events_are_never_deleted');
    report.dropped = db.prepare(DROP_OLD).run({ through, keep: policy.keepVersions }).changes;
    db.exec(NEVER_DELETED);
  };
  const dropReferences = (): void => {
    db.prepare('DELETE FROM waypoints WHERE seq <= ? AND seq NOT IN (SELECT seq FROM events)').run(through);
    db.prepare('DELETE FROM commands WHERE first_seq <= ?').run(through);
  };
  const carry = (): void => {
    const digest = new RetainedDigest();
    const left = db.prepare<[number], Pick<EventRow, 'seq' | 'hash'>>(
      'SELECT seq, hash FROM events WHERE seq <= ? ORDER BY seq',
    );
    for (const row of left.iterate(through)) digest.add(row);
    report.retained = digest.count;
    const row = {
      through_seq: through,
      through_hash: throughHash,
      retained: digest.count,
      retained_digest: digest.digest(),
    };
    db.prepare(
      `INSERT INTO compaction (id, through_seq, through_hash, retained, retained_digest)
       VALUES (1, @through_seq, @through_hash, @retained, @retained_digest)
       ON CONFLICT DO UPDATE SET through_seq = excluded.through_seq, through_hash = excluded.through_hash,
         retained = excluded.retained, retained_digest = excluded.retained_digest`,
    ).run(row);
    store.commit([{ expected: [], events: [carrier(through, compactionSpec(row), about)] }]);
  };
  try {
    db.transaction(() => {
      drop();
      if (report.dropped === 0) return;
      dropReferences();
      carry();
    }).immediate();
  } catch (error) {
    throw asStorageFault(error, db.name);
  }
  return report.dropped === 0 ? nothing : report;
}

/** The newest versions at the end of the compaction stay, so that the state right after it is still known. */
const DROP_OLD = `
  DELETE FROM events WHERE seq <= @through AND seq NOT IN (
    SELECT seq FROM (
      SELECT seq, row_number() OVER (PARTITION BY subject ORDER BY seq DESC) AS age FROM events WHERE seq <= @through
    ) WHERE age <= @keep
  )`;

const NEVER_DELETED = `
  CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
  BEGIN
    SELECT RAISE(ABORT, 'the event log is append-only');
  END`;

/** The newest event that is older than a time. */
function lastBefore(store: SqliteStore, time: string): number {
  return store.seqAt(new Date(Date.parse(time) - 1).toISOString());
}

function carrier(
  through: number,
  spec: ReturnType<typeof compactionSpec>,
  about: Pick<NewEvent, 'id' | 'actor' | 'requestId' | 'time'>,
): NewEvent {
  const name = compactionName(through);
  return {
    ...about,
    type: 'Compacted',
    correlationId: about.requestId,
    subject: { group: 'pulseplane.dev', kind: 'EventLog', namespace: '', name, uid: about.id },
    object: { apiVersion: 'pulseplane.dev/v1', kind: 'EventLog', metadata: { name }, spec },
  };
}
