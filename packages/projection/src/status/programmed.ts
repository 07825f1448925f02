import type { JsonObject, StoredObject } from '@pulseplane/resources';
import { condition } from './condition.ts';

/** A resource that a worker refuses to run, and the text of its NACK. */
type Rejection = { readonly worker: string; readonly resource: string; readonly message: string };

/** A port that a worker cannot open. It tries again until it can. */
export type PortFailure = {
  readonly worker: string;
  readonly port: number;
  /** Without the port. */
  readonly address: string;
  /** The name of the errno. */
  readonly code: string;
};

/** Gateway API's reason of a listener's condition Accepted for a port that cannot be used, in use for example. */
export const PORT_UNAVAILABLE = 'PortUnavailable';

/** What the connected workers of a gateway say of its present configuration. It decides nothing; it is shown. */
export type WorkerObservation = {
  /** When a worker of the gateway was last heard of: connected, answered or left. RFC 3339. */
  readonly since?: string;
} & (
  | { readonly kind: 'no-workers' }
  | {
      readonly kind: 'connected';
      readonly workers: number;
      /** The names of those that have not answered yet to the newest that there is. */
      readonly waiting: readonly string[];
      readonly rejections: readonly Rejection[];
      readonly portFailures: readonly PortFailure[];
    }
);

/**
 * Whether the workers of a gateway run what an object asks for. `concerns` says which resources come from it, `unopened`
 * which of its ports are not open, in words.
 */
export function programmed(
  about: readonly [StoredObject, ...StoredObject[]],
  observation: WorkerObservation,
  concerns: (resource: string) => boolean = () => true,
  unopened?: string,
): JsonObject {
  const { since } = observation;
  if (observation.kind === 'no-workers') {
    return condition('Programmed', 'Unknown', 'Pending', 'No worker is connected', about, since);
  }
  const { workers, waiting, rejections } = observation;
  const [rejection, ...more] = rejections.filter(({ resource }) => concerns(resource));
  if (rejection !== undefined) {
    const { worker, resource, message } = rejection;
    const others = new Set(more.map((one) => one.worker).filter((one) => one !== worker)).size;
    const by = others === 0 ? worker : `${worker} and ${others} more of ${workers}`;
    return condition('Programmed', 'False', 'Invalid', `Rejected by ${by}: ${resource}: ${message}`, about, since);
  }
  if (unopened !== undefined) return condition('Programmed', 'False', PORT_UNAVAILABLE, unopened, about, since);
  return waiting.length > 0
    ? condition(
        'Programmed',
        'False',
        'Pending',
        `Waiting for ${waiting.length} of ${workers} workers: ${inShort(waiting)}`,
        about,
        since,
      )
    : condition(
        'Programmed',
        'True',
        'Programmed',
        `Acknowledged by every connected worker (${workers})`,
        about,
        since,
      );
}

/** So many workers are named. */
const MOST_NAMED = 3;

/** The first of many, in words, and how many more there are. */
export function inShort(names: readonly string[]): string {
  const named = names.slice(0, MOST_NAMED).join(', ');
  return names.length > MOST_NAMED ? `${named} and ${names.length - MOST_NAMED} more` : named;
}
