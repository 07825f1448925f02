import { createHash } from 'node:crypto';
import { hashEvent } from '../chain.ts';
import type { Connection } from './driver.ts';
import { type CommandRow, commandDigest, type EventRow, headOfEventRow } from './rows.ts';
import { EVENTS } from './statements.ts';
import { SubjectsCheck } from './subjects-check.ts';

/** Something that is not as it was written, and the event that it was found at. */
export type VerifyProblem = { readonly seq: number; readonly problem: string };

export type VerifyReport = {
  readonly head: number;
  readonly events: number;
  readonly objects: number;
  readonly problems: readonly VerifyProblem[];
};

type CompactionRow = {
  readonly through_seq: number;
  readonly through_hash: string;
  readonly retained: number;
  readonly retained_digest: string;
};

/** After so many problems the rest is not looked for. */
const MOST_PROBLEMS = 100;

/**
 * Checks that no page of the file is damaged, that every event has the content that it was written with and follows the
 * one before it, and that the read tables are what the events give when they are folded from the first on. Reads only.
 * The read tables of a file that an older version wrote, and nobody has opened since, are not looked at: opening it
 * makes them anew from its events.
 */
export function verifyDatabase(db: Connection): VerifyReport {
  const problems: VerifyProblem[] = [];
  const report = (seq: number, problem: string): void => {
    if (problems.length < MOST_PROBLEMS) problems.push({ seq, problem });
  };
  const tables = new Set(db.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all());
  const compaction = tables.has('compaction')
    ? db.prepare<[], CompactionRow>('SELECT * FROM compaction').get()
    : undefined;
  const pages = String(db.pragma('integrity_check(1)', { simple: true }));
  if (pages !== 'ok') report(0, `the file is damaged: ${pages.replaceAll('\n', ' ')}`);
  const chain = new ChainCheck(compaction, report);
  const fold = tables.has('subjects') ? new SubjectsCheck(compaction?.through_seq ?? 0, report) : undefined;
  const events = fold === undefined ? 'SELECT * FROM events' : EVENTS;
  for (const row of db.prepare<[], EventRow>(`${events} ORDER BY seq`).iterate()) {
    chain.take(row);
    fold?.take(row);
  }
  chain.finish();
  if (fold !== undefined) checkCommands(db, chain.head, report);
  const objects =
    fold === undefined ? Number(db.prepare('SELECT count(*) FROM objects').pluck().get()) : fold.finish(db);
  return { head: chain.head, events: chain.events, objects, problems };
}

function checkCommands(db: Connection, head: number, report: (seq: number, problem: string) => void): void {
  const rows = db.prepare<[], CommandRow & { readonly digest: string | null }>('SELECT * FROM commands');
  for (const row of rows.iterate()) {
    const isWritten = row.digest === null || row.digest === commandDigest(row);
    if (isWritten && row.first_seq >= 1 && row.first_seq <= row.last_seq && row.last_seq <= head) continue;
    report(row.first_seq, 'the idempotency key of the command with this event is not as it was written');
  }
}

class ChainCheck {
  head = 0;
  events = 0;
  readonly #compaction: CompactionRow | undefined;
  readonly #report: (seq: number, problem: string) => void;
  readonly #retained = new RetainedDigest();
  #hash = '';
  #carried = false;

  constructor(compaction: CompactionRow | undefined, report: (seq: number, problem: string) => void) {
    this.#compaction = compaction;
    this.#report = report;
  }

  take(row: EventRow): void {
    this.events += 1;
    const event = headOfEventRow(row);
    if (hashEvent(event, event, row.object) !== row.hash) {
      this.#report(row.seq, 'the content does not match its hash');
    }
    const through = this.#compaction?.through_seq ?? 0;
    if (row.seq <= through) {
      this.#retained.add(row);
      this.head = row.seq;
      return;
    }
    if (this.head <= through) {
      this.head = through;
      this.#hash = this.#compaction?.through_hash ?? '';
    }
    if (row.seq !== this.head + 1) this.#reportMissing(row.seq);
    else if (row.prev_hash !== this.#hash) this.#report(row.seq, 'it does not follow the event before it');
    this.head = row.seq;
    this.#hash = row.hash;
    if (row.type === 'Compacted' && row.subject_name === compactionName(through)) this.#checkCarrier(row);
  }

  #reportMissing(seq: number): void {
    const last = seq - 1;
    const first = this.head + 1;
    this.#report(first, first === last ? 'the event is missing' : `the events up to ${last} are missing`);
  }

  /** The table of compactions could be changed by anybody; the event about it is in the chain. */
  #checkCarrier(row: EventRow): void {
    this.#carried = true;
    if (this.#compaction && JSON.stringify(compactionSpec(this.#compaction)) !== specText(row.object)) {
      this.#report(row.seq, 'the compaction that it tells of is not the one in the table');
    }
  }

  finish(): void {
    if (this.#compaction === undefined) return;
    const { through_seq, retained, retained_digest } = this.#compaction;
    if (!this.#carried) this.#report(through_seq, 'no event tells of the compaction up to here');
    if (this.#retained.count !== retained || this.#retained.digest() !== retained_digest) {
      this.#report(through_seq, `of the ${retained} events that the compaction left some are missing or changed`);
    }
  }
}

/** One hash over the events that a compaction leaves below its end, where the chain has gaps. */
export class RetainedDigest {
  count = 0;
  readonly #hash = createHash('sha256');

  add({ seq, hash }: Pick<EventRow, 'seq' | 'hash'>): void {
    this.count += 1;
    this.#hash.update(`${seq}:${hash}\n`);
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}

/** The name of the event that tells of a compaction. */
export function compactionName(through: number): string {
  return `through-${through}`;
}

/** What the event that tells of a compaction says. */
export function compactionSpec(row: CompactionRow) {
  return {
    through: row.through_seq,
    throughHash: row.through_hash,
    retained: row.retained,
    retainedDigest: row.retained_digest,
  };
}

function specText(objectText: string): string {
  const { spec } = JSON.parse(objectText) as { readonly spec?: object };
  return JSON.stringify(spec);
}
