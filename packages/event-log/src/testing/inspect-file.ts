import type { StoredObject } from '@pulseplane/resources';
import type { StoredEvent } from '../event.ts';
import { Database } from '../sqlite/driver.ts';
import { SqliteStore } from '../sqlite/sqlite-store.ts';
import { verifyDatabase } from '../sqlite/verify.ts';

/** A log's file as it lies on the disk, and what is wrong with it. */
export type InspectedLog = {
  readonly events: readonly StoredEvent[];
  readonly objects: readonly StoredObject[];
  readonly faults: readonly string[];
};

/**
 * Reads a whole file beside the process that writes it, and looks for damaged pages, a broken chain, and objects that
 * the events do not give. For tests with small files; it holds everything in memory.
 */
export function inspectLogFile(file: string): InspectedLog {
  const db = new Database(file, { readonly: true });
  try {
    const read = db.transaction(() => {
      const store = new SqliteStore(db);
      return {
        report: verifyDatabase(db),
        events: store.read({ from: 1, limit: store.head().seq }),
        objects: store.objects({}),
      };
    });
    const { report, events, objects } = read();
    return {
      events,
      objects,
      faults: report.problems.map(({ seq, problem }) => `event ${seq}: ${problem}`),
    };
  } finally {
    db.close();
  }
}
