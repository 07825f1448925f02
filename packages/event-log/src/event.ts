import type { KubernetesObject, ObjectRef } from '@pulseplane/resources';

/** What happened, in the past tense. A rename is a deletion and a creation. */
export type EventType = 'Created' | 'SpecChanged' | 'MetadataChanged' | 'Deleted';

/** Who caused an event, and through which client. */
export type Actor = { readonly user: string; readonly via: string };

/** An event that is not yet in the log. `object` is the whole object after the change (before it, for a deletion). */
export type NewEvent = {
  readonly id: string;
  readonly type: EventType;
  readonly subject: ObjectRef & { readonly uid: string };
  readonly object: KubernetesObject;
  readonly actor: Actor;
  readonly requestId: string;
  /** RFC 3339, UTC. */
  readonly time: string;
};

/** An event in the log. `seq` is dense and global: it is the resourceVersion that clients see. */
export type StoredEvent = NewEvent & {
  readonly seq: number;
  readonly schemaVersion: number;
  /** The hash of the event before this one; empty for the first. */
  readonly prevHash: string;
  /** SHA-256 over the event and `prevHash`, in hex. */
  readonly hash: string;
};
