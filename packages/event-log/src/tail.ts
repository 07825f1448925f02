import type { StoredEvent } from './event.ts';
import type { EventLog } from './event-log.ts';

/**
 * Follows the log from a sequence number, page by page, for ever or until the signal aborts. It reads from the log
 * itself at its consumer's pace, so a slow consumer holds one page in memory, never a queue.
 */
export async function* tail(
  log: Pick<EventLog, 'follow' | 'read'>,
  { from, pageSize = 256, signal }: { readonly from: number; readonly pageSize?: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly StoredEvent[]> {
  let next = from;
  let wake: (() => void) | undefined;
  const stop = log.follow(() => wake?.());
  const onAbort = (): void => wake?.();
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      const events = log.read({ from: next, limit: pageSize });
      const last = events.at(-1);
      if (last !== undefined) {
        next = last.seq + 1;
        yield events;
        continue;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        // Between the read and here nothing can have been appended: both are in one turn.
        if (signal.aborted) resolve();
      });
      wake = undefined;
    }
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}
