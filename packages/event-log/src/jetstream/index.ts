import type { EventLog } from '../event-log.ts';
import type { JetStreamOptions } from './jetstream-event-log.ts';

export type { JetStreamOptions };

/**
 * The log in a NATS JetStream stream, which orders the commands, folded into an own SQLite file, which answers.
 * Resolves when the file has caught up with the stream. Rejects with a StorageFault when NATS cannot be reached, the
 * stream is not the one that the file followed, or it is weak. The client for NATS, a tenth of all modules, is loaded
 * only here, so that who has no stream starts without it.
 */
export async function openJetStreamEventLog(options: JetStreamOptions): Promise<EventLog> {
  const { openJetStreamEventLog: open } = await import('./jetstream-event-log.ts');
  return open(options);
}
