import { createHash } from 'node:crypto';
import type { NewEvent, StoredEvent } from './event.ts';

/** The last link of a chain: what the next event is appended to. */
export type ChainHead = { readonly seq: number; readonly hash: string };

/** The head of an empty log. */
export const EMPTY_CHAIN: ChainHead = { seq: 0, hash: '' };

const SCHEMA_VERSION = 1;

/** Gives new events their sequence numbers and hashes, each hash over the one before it. */
export function seal(head: ChainHead, events: readonly NewEvent[]): readonly StoredEvent[] {
  let { seq, hash } = head;
  return events.map((event) => {
    seq += 1;
    const prevHash = hash;
    hash = hashEvent(prevHash, seq, event);
    return { ...event, seq, schemaVersion: SCHEMA_VERSION, prevHash, hash };
  });
}

/** An array, not an object: its order, and so the hash, does not depend on how a reader built the event. */
function hashEvent(prevHash: string, seq: number, event: NewEvent): string {
  const { subject, actor } = event;
  const immutable = [
    prevHash,
    seq,
    SCHEMA_VERSION,
    event.id,
    event.type,
    [subject.group, subject.kind, subject.namespace, subject.name, subject.uid],
    JSON.stringify(event.object),
    [actor.user, actor.via],
    event.requestId,
    event.time,
  ];
  return createHash('sha256').update(JSON.stringify(immutable)).digest('hex');
}
