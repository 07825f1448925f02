export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json | undefined };

/** What every object has in common. `resourceVersion` and status are added when an object is read. */
export type ObjectMeta = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  /** Since when the object is on its way out: it goes when its last finalizer does. RFC 3339, UTC, whole seconds. */
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: { readonly [key: string]: string };
  readonly annotations?: { readonly [key: string]: string };
  /** Who must still do something before the object may go. */
  readonly finalizers?: readonly string[];
  /** Who owns which field: entries as in Kubernetes, of any form until the control plane has read them. */
  readonly managedFields?: readonly JsonObject[];
};

/** A Kubernetes-style object of any kind. */
export type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
  /** What a Secret has in the place of a spec. */
  readonly type?: string;
  readonly data?: { readonly [key: string]: string };
  readonly immutable?: boolean;
};

/** What people decide of an object beside its metadata: the spec, or what its kind has in the place of one. */
export function contentOf({
  apiVersion: _apiVersion,
  kind: _kind,
  metadata: _metadata,
  status: _status,
  ...content
}: KubernetesObject | JsonObject): JsonObject {
  return content;
}

/** Names one object. Namespace is empty for cluster-scoped kinds. */
export type ObjectRef = {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

/** An object as the log holds it (no resourceVersion, no status), with the sequence number of its last event. */
export type StoredObject = {
  readonly ref: ObjectRef;
  readonly version: number;
  /** When that event happened: RFC 3339, UTC. */
  readonly changedAt: string;
  readonly object: KubernetesObject;
};

/** A map key for an object; `/` cannot occur in any of its parts. */
export function refKey(ref: ObjectRef): string {
  return `${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`;
}
