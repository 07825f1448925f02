import { apiVersionOf, type JsonObject, type ResourceKind } from '@pulseplane/resources';
import { present, type StatusOf } from '../present.ts';
import { type Shape, shaped } from '../shape.ts';
import type { Status } from '../status.ts';
import { toTable } from '../table.ts';
import type { Change } from './changes.ts';

/** Tells a client that asked for the initial objects that they are all there. */
const INITIAL_EVENTS_END = { 'k8s.io/initial-events-end': 'true' };

/** Words what a watch says, one JSON object on each line. */
export type WatchEncoder = {
  change(change: Change): string;
  bookmark(seq: number, about?: { readonly initialEventsEnd: boolean }): string;
};

type EncoderOptions = {
  readonly kind: ResourceKind;
  readonly statusOf: StatusOf;
  readonly now: () => Date;
  readonly shape: Shape;
};

/** An encoder for one watch; it remembers whether its Tables have already named their columns. */
export function createWatchEncoder({ kind, statusOf, now, shape: wanted }: EncoderOptions): WatchEncoder {
  let columnsSent = false;
  const shape = (object: JsonObject, seq: number): JsonObject => {
    if (wanted.form !== 'table') return shaped(wanted, object);
    const metadata = { resourceVersion: String(seq) };
    const whole = toTable(kind, [object], { now: now(), include: wanted.include, metadata });
    if (!columnsSent) {
      columnsSent = true;
      return whole;
    }
    const { columnDefinitions: _, ...rest } = whole;
    return rest;
  };
  return {
    change: ({ type, stored }) => line(type, shape(present(kind, stored, statusOf), stored.version)),
    bookmark: (seq, { initialEventsEnd } = { initialEventsEnd: false }) => {
      const metadata = {
        resourceVersion: String(seq),
        creationTimestamp: null,
        ...(initialEventsEnd && { annotations: INITIAL_EVENTS_END }),
      };
      return line('BOOKMARK', shape({ kind: kind.kind, apiVersion: apiVersionOf(kind), metadata }, seq));
    },
  };
}

/** How a watch ends when something is wrong; errors are never Tables. */
export function encodeWatchError(status: Status): string {
  return line('ERROR', status);
}

function line(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}
