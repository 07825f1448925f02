import type { ObjectRef, StoredObject } from '@pulseplane/resources';
import type { NewEvent, StoredEvent } from './event.ts';

/** The version (sequence number of its last event) that a writer believes an object has; 0: it does not exist. */
export type ExpectedVersion = { readonly ref: ObjectRef; readonly version: number };

/** One command: all of its events are appended, or none. */
export type Append = { readonly expected: readonly ExpectedVersion[]; readonly events: readonly NewEvent[] };

export type AppendResult =
  | { readonly kind: 'appended'; readonly events: readonly StoredEvent[] }
  | { readonly kind: 'conflict'; readonly ref: ObjectRef; readonly expected: number; readonly actual: number };

/** Which objects to list; an absent part matches all. */
export type ObjectFilter = { readonly group?: string; readonly kind?: string; readonly namespace?: string };

/**
 * The append-only log and the read table of current objects that moves with it in one transaction.
 * Faults of the storage (disk full, corruption) are thrown; a lost race is a value.
 */
export interface EventLog {
  /** Resolves when the events are durable. */
  append(append: Append): Promise<AppendResult>;
  /** The current object, or undefined when it does not exist. */
  object(ref: ObjectRef): StoredObject | undefined;
  /** The current objects in the order of group, kind, namespace, name. */
  objects(filter: ObjectFilter): readonly StoredObject[];
  /** Events with seq >= from, ascending, at most `limit`. */
  read(range: { readonly from: number; readonly limit: number }): readonly StoredEvent[];
  /** Calls the listener, in order, with each append's events after they are durable. Returns the way to stop. */
  follow(listener: (events: readonly StoredEvent[]) => void): () => void;
  /** The sequence number of the newest event; 0 for an empty log. */
  head(): number;
  close(): void;
}
