import type { EventLog, StoredEvent } from '@pulseplane/event-log';

/** What a stream follows the log by. */
export type LogReader = Pick<EventLog, 'follow' | 'read'>;

/**
 * Reads of a log that many streams share. Those that keep up ask for the same page at the same moment, so it is read
 * and parsed once, not once for each; what is held is that one page.
 */
export function shareReads(log: EventLog): LogReader {
  let page = { from: 0, limit: 0, head: 0, events: [] as readonly StoredEvent[] };
  return {
    follow: (listener) => log.follow(listener),
    read: ({ from, limit }) => {
      const head = log.head();
      if (from > head) return [];
      // With the same head the same events follow; what a compaction has taken since is the streams' to notice.
      if (page.from !== from || page.limit !== limit || page.head !== head) {
        page = { from, limit, head, events: log.read({ from, limit }) };
      }
      return page.events;
    },
  };
}
