import type { StoredObject } from '@pulseplane/resources';
import Database from 'better-sqlite3';
import { EMPTY_CHAIN, hashEvent } from '../chain.ts';
import type { StoredEvent } from '../event.ts';
import { type EventRow, fromEventRow, fromObjectRow, type ObjectRow } from '../sqlite/rows.ts';

/** A log's file as it lies on the disk, and what is wrong with it. */
export type InspectedLog = {
  readonly events: readonly StoredEvent[];
  readonly objects: readonly StoredObject[];
  readonly faults: readonly string[];
};

/**
 * Reads a whole file beside the process that writes it: pages, chain, and whether the table of objects is what the
 * events give, to the byte. For tests with small files; it holds everything in memory.
 */
export function inspectLogFile(file: string): InspectedLog {
  const db = new Database(file, { readonly: true });
  try {
    const read = db.transaction(() => ({
      pages: db.pragma('integrity_check', { simple: true }),
      events: db.prepare<[], EventRow>('SELECT * FROM events ORDER BY seq').all(),
      objects: db.prepare<[], ObjectRow>('SELECT * FROM objects').all(),
    }));
    const { pages, events, objects } = read();
    return {
      events: events.map(fromEventRow),
      objects: objects.map(fromObjectRow),
      faults: [
        ...(pages === 'ok' ? [] : [`integrity check: ${String(pages)}`]),
        ...chainFaults(events),
        ...tableFaults(events, objects),
      ],
    };
  } finally {
    db.close();
  }
}

function chainFaults(rows: readonly EventRow[]): readonly string[] {
  const faults: string[] = [];
  let { seq, hash } = EMPTY_CHAIN;
  for (const row of rows) {
    if (row.seq !== seq + 1) faults.push(`event ${row.seq} follows event ${seq}`);
    if (row.prev_hash !== hash) faults.push(`event ${row.seq} does not continue the chain`);
    if (row.hash !== hashEvent(fromEventRow(row), row.object)) faults.push(`event ${row.seq} has another hash`);
    ({ seq, hash } = row);
  }
  return faults;
}

function tableFaults(events: readonly EventRow[], objects: readonly ObjectRow[]): readonly string[] {
  const replayed = new Map<string, string>();
  for (const event of events) {
    const key = JSON.stringify([event.subject_group, event.subject_kind, event.subject_namespace, event.subject_name]);
    if (event.type === 'Deleted') replayed.delete(key);
    else replayed.set(key, JSON.stringify([event.seq, event.time, event.object]));
  }
  const faults: string[] = [];
  for (const row of objects) {
    const key = JSON.stringify([row.object_group, row.object_kind, row.object_namespace, row.object_name]);
    const expected = replayed.get(key);
    const actual = JSON.stringify([row.version, row.changed_at, row.object]);
    if (expected !== actual) faults.push(`object ${key} is ${actual}, but the events give ${expected ?? 'nothing'}`);
    replayed.delete(key);
  }
  for (const key of replayed.keys()) faults.push(`object ${key} is missing from the table`);
  return faults;
}
