import type { Actor, Append } from '@pulseplane/event-log';
import type { JsonObject, KubernetesObject, ObjectRef, ResourceKind, StoredObject } from '@pulseplane/resources';

/** What a deleter believes of the object; a difference refuses the deletion. */
export type Preconditions = { readonly uid?: string; readonly resourceVersion?: string };

/**
 * What somebody wants to happen. Objects are validated already. A replacement's `metadata.resourceVersion` and
 * `metadata.uid`, where given, are what the writer believes of the object. `managedFields` are the owners as an apply
 * leaves them; where absent, they follow from what the command changes.
 */
export type Command =
  | {
      readonly type: 'create' | 'replace';
      readonly kind: ResourceKind;
      readonly object: KubernetesObject;
      readonly managedFields?: readonly JsonObject[];
    }
  | {
      readonly type: 'delete';
      readonly kind: ResourceKind;
      readonly ref: ObjectRef;
      readonly preconditions: Preconditions;
    }
  /** Gives an object the spec that it had at `source`. */
  | {
      readonly type: 'rollback';
      readonly kind: ResourceKind;
      readonly source: StoredObject;
      readonly preconditions: Pick<Preconditions, 'resourceVersion'>;
    }
  /** Creates an object anew as it was when it was deleted; `source` is what the deletion's event holds. */
  | { readonly type: 'undelete'; readonly kind: ResourceKind; readonly source: StoredObject };

/** What is known when a command is decided. */
export type State = {
  readonly current: StoredObject | undefined;
  /** The namespace that an object is created in, or that an object which is being deleted is still in. */
  readonly namespace: StoredObject | undefined;
  /** Another object in the namespace of one that is being deleted. */
  readonly neighbour?: StoredObject;
  /** What is in a namespace that the command deletes, or that is being deleted. */
  readonly contents: readonly StoredObject[];
  /** The gateways of a class that the command deletes. */
  readonly gateways?: readonly ObjectRef[];
};

/** Who asks, when, and where new ids come from. */
export type CommandContext = {
  readonly actor: Actor;
  /** Who owns the fields that are written: what the request came through, where it does not say. */
  readonly fieldManager?: string;
  readonly requestId: string;
  /** Groups requests that belong together; the request's own id where the client did not say. */
  readonly correlationId?: string;
  /** RFC 3339, UTC, to the millisecond. A text: to format a time takes a microsecond, and a write needs it four times. */
  readonly now: string;
  readonly newId: () => string;
  /** A namespace that is there without being stored: the first object in it stores it. */
  readonly seenNamespace?: (name: string) => StoredObject | undefined;
};

/** What a command does to the log, and the object as it is afterwards (as it was, when it is gone). */
export type Decision = {
  readonly append: Append;
  readonly ref: ObjectRef;
  readonly object: KubernetesObject;
  /** The version before the command; 0 for a creation. */
  readonly version: number;
  /** When the object was last changed: now, unless the command changes nothing. */
  readonly changedAt: string;
  /** Whether the object is there no more. */
  readonly isGone: boolean;
};

/** Why a command was refused. The HTTP edge alone turns these into Kubernetes' Status objects. */
export type Rejection =
  | { readonly type: 'notFound'; readonly kind: ResourceKind; readonly name: string }
  | {
      readonly type: 'alreadyExists';
      readonly kind: ResourceKind;
      readonly name: string;
      /** The one that exists is on its way out. */
      readonly isDeleting: boolean;
    }
  /** A finalizer for an object that is being deleted. */
  | {
      readonly type: 'finalizersAdded';
      readonly kind: ResourceKind;
      readonly name: string;
      readonly added: readonly string[];
    }
  | { readonly type: 'namespaceNotFound'; readonly namespace: string }
  /** An object for a namespace that is being deleted. */
  | {
      readonly type: 'namespaceTerminating';
      readonly kind: ResourceKind;
      readonly name: string;
      readonly namespace: string;
    }
  | { readonly type: 'namespaceProtected'; readonly namespace: string; readonly hasWorkers?: true }
  /** A class that gateways have. */
  | { readonly type: 'classInUse'; readonly name: string; readonly gateways: readonly ObjectRef[] }
  | { readonly type: 'versionOnCreate'; readonly kind: ResourceKind; readonly name: string }
  /** The idempotency key is that of another request. */
  | { readonly type: 'keyReused'; readonly key: string }
  | { readonly type: 'modified'; readonly kind: ResourceKind; readonly name: string }
  | {
      /** Of a write, or of a deletion; Kubernetes words them differently. */
      readonly type: 'preconditionFailed' | 'deletePrecondition';
      readonly kind: ResourceKind;
      readonly name: string;
      readonly field: 'uid' | 'resourceVersion';
      readonly wanted: string;
      readonly actual: string;
    };

/** Names the object of a kind that a command is about. */
export function refOf(kind: ResourceKind, namespace: string, name: string): ObjectRef {
  return { group: kind.group, kind: kind.kind, namespace: kind.namespaced ? namespace : '', name };
}
