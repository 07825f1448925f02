import { createHash } from 'node:crypto';
import type { NewEvent, StoredEvent } from './event.ts';

/** The last link of a chain: what the next event is appended to. */
export type ChainHead = { readonly seq: number; readonly hash: string };

/** The head of an empty log. */
export const EMPTY_CHAIN: ChainHead = { seq: 0, hash: '' };

/** The shape that events are written in now. 1 had no correlation id and no source of a restoration. */
const SCHEMA_VERSION = 2;

/** Gives new events their sequence numbers and hashes, each hash over the one before it. */
export function seal(head: ChainHead, events: readonly NewEvent[]): readonly StoredEvent[] {
  let { seq, hash } = head;
  return events.map((event) => {
    seq += 1;
    const unsealed = { ...event, seq, schemaVersion: SCHEMA_VERSION, prevHash: hash };
    hash = hashEvent(unsealed, JSON.stringify(event.object));
    return { ...unsealed, hash };
  });
}

/**
 * The hash of an event by the rule of the version that it was written in. `objectText` is the object as it is stored,
 * to the byte. An array, not an object: its order does not depend on how a reader built the event.
 */
export function hashEvent(event: Omit<StoredEvent, 'hash' | 'object'>, objectText: string): string {
  const { subject, actor } = event;
  const immutable = [
    event.prevHash,
    event.seq,
    event.schemaVersion,
    event.id,
    event.type,
    [subject.group, subject.kind, subject.namespace, subject.name, subject.uid],
    objectText,
    [actor.user, actor.via],
    event.requestId,
    event.time,
    ...(event.schemaVersion >= 2 ? [event.correlationId, event.restoredFrom?.seq ?? 0] : []),
  ];
  return createHash('sha256').update(JSON.stringify(immutable)).digest('hex');
}
