import type { KubernetesObject, ObjectRef } from '@pulseplane/resources';

/**
 * What happened, in the past tense. A rename is a deletion and a creation. `Compacted` is about the log, not about an
 * object: older events were dropped, and it carries the chain on.
 */
export const EVENT_TYPES = ['Created', 'SpecChanged', 'MetadataChanged', 'Deleted', 'Compacted'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Who caused an event, and through which client. */
export type Actor = { readonly user: string; readonly via: string };

/** The event whose object an event brought back: of a rollback or an undeletion. */
export type RestoredFrom = { readonly seq: number };

/** An event that is not yet in the log. `object` is the whole object after the change (before it, for a deletion). */
export type NewEvent = {
  readonly id: string;
  readonly type: EventType;
  readonly subject: ObjectRef & { readonly uid: string };
  readonly object: KubernetesObject;
  readonly actor: Actor;
  readonly requestId: string;
  /** Groups the events of requests that belong together; the request's own id where nobody said otherwise. */
  readonly correlationId: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly restoredFrom?: RestoredFrom;
};

/** An event in the log, in the newest shape. `seq` is dense and global: it is the resourceVersion that clients see. */
export type StoredEvent = NewEvent & {
  readonly seq: number;
  /** The shape that it was written in; older ones are upcast when they are read. */
  readonly schemaVersion: number;
  /** The hash of the event before this one; empty for the first. */
  readonly prevHash: string;
  /** SHA-256 over the event and `prevHash`, in hex. */
  readonly hash: string;
};
