import type { ObjectRef, StoredObject } from '@pulseplane/resources';
import type { NewEvent, StoredEvent } from './event.ts';

/** The version (sequence number of its last event) that a writer believes an object has; 0: it does not exist. */
export type ExpectedVersion = { readonly ref: ObjectRef; readonly version: number };

export type NamespaceContents = { readonly namespace: string; readonly objects: number };

/** One command: all of its events are appended, or none. */
export type Append = {
  readonly expected: readonly ExpectedVersion[];
  /**
   * How many objects a namespace must hold. With the versions of all of them expected, nothing can have come into it:
   * so a namespace goes away with all that is in it.
   */
  readonly contents?: NamespaceContents;
  readonly events: readonly NewEvent[];
  /** A retried command carries the key of the first try, and gets the first try's events. */
  readonly idempotencyKey?: string;
};

export type AppendResult =
  | { readonly kind: 'appended'; readonly events: readonly StoredEvent[] }
  /** The idempotency key was used before; these are the events of then. */
  | { readonly kind: 'repeated'; readonly events: readonly StoredEvent[] }
  | { readonly kind: 'conflict'; readonly ref: ObjectRef; readonly expected: number; readonly actual: number };

/** A namespace that holds more objects than the writer has seen, or fewer; named by a ref without kind and name. */
export function contentsConflict({ namespace, objects }: NamespaceContents, actual: number): AppendResult {
  return { kind: 'conflict', ref: { group: '', kind: '', namespace, name: '' }, expected: objects, actual };
}

/** Which objects to list; an absent part matches all. */
export type ObjectFilter = {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  /** Only what comes after this object in the order of namespace and name: where the page before ended. */
  readonly after?: Pick<ObjectRef, 'namespace' | 'name'>;
};

/**
 * The append-only log and the read table of current objects that moves with it in one transaction.
 * A lost race is a value. Faults of the storage are thrown as {@link StorageFault}.
 */
export interface EventLog {
  /** Resolves when the events are durable. */
  append(append: Append): Promise<AppendResult>;
  /** The current object, or undefined when it does not exist. */
  object(ref: ObjectRef): StoredObject | undefined;
  /** The current objects in the order of group, kind, namespace, name. */
  objects(filter: ObjectFilter): readonly StoredObject[];
  /** The same one by one, for more of them than memory should hold. Nothing may be written before the iteration ends. */
  each(filter: ObjectFilter): Iterable<StoredObject>;
  /** An object as it was right after the event `seq`. `seq` must not be below the floor. */
  objectAt(ref: ObjectRef, seq: number): StoredObject | undefined;
  /** The objects as they were right after the event `seq`, in the order of `objects`. */
  objectsAt(filter: ObjectFilter, seq: number): readonly StoredObject[];
  /** Events with seq >= from, ascending, at most `limit`. Below the floor some may be missing. */
  read(range: { readonly from: number; readonly limit: number }): readonly StoredEvent[];
  /** The events of one object (of all that ever had its name) with seq < before, newest first, at most `limit`. */
  history(ref: ObjectRef, range: { readonly before: number; readonly limit: number }): readonly StoredEvent[];
  /** The events of the command that had this idempotency key. */
  appended(idempotencyKey: string): readonly StoredEvent[] | undefined;
  /** The sequence number of the newest event at or before a time (RFC 3339, UTC); 0 when there is none. */
  seqAt(time: string): number;
  /** Calls the listener, in order, with each append's events after they are durable. Returns the way to stop. */
  follow(listener: (events: readonly StoredEvent[]) => void): () => void;
  /** The sequence number of the newest event; 0 for an empty log. */
  head(): number;
  /** The oldest sequence number from which every event is there: above 1 after a compaction. */
  floor(): number;
  close(): Promise<void>;
}
