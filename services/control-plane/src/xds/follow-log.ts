import type { EventLog, StoredEvent } from '@pulseplane/event-log';
import type { Projection, Touched } from '@pulseplane/projection';
import type { Logger } from '@pulseplane/telemetry';
import type { GatewaySnapshots } from './gateway-snapshots.ts';

/**
 * Keeps the projection and the snapshots at the log's head. What cannot be taken in, because something that it depends
 * on cannot be read, makes them read everything anew: nothing outdated is told for longer than that takes. `told` hears
 * of each event after them.
 */
export function followLog(
  log: EventLog,
  projection: Projection,
  snapshots: GatewaySnapshots,
  logger: Logger,
  told: (event: StoredEvent, touched: readonly Touched[]) => void = () => undefined,
): void {
  log.follow((events) => {
    try {
      for (const event of events) {
        const touched = projection.apply(event);
        snapshots.invalidate(touched, Date.parse(event.time));
        told(event, touched);
      }
    } catch (err) {
      logger.error({ seq: events.at(-1)?.seq, err }, 'an event could not be projected: everything is read anew');
      projection.forget();
      snapshots.invalidateAll();
    }
  });
}
