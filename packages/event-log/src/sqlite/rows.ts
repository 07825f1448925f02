import type { KubernetesObject, StoredObject } from '@pulseplane/resources';
import type { EventType, StoredEvent } from '../event.ts';

/** A row of the events table, column by column. */
export type EventRow = {
  readonly seq: number;
  readonly id: string;
  readonly type: EventType;
  readonly subject_group: string;
  readonly subject_kind: string;
  readonly subject_namespace: string;
  readonly subject_name: string;
  readonly subject_uid: string;
  readonly object: string;
  readonly actor_user: string;
  readonly actor_via: string;
  readonly request_id: string;
  readonly time: string;
  readonly schema_version: number;
  readonly prev_hash: string;
  readonly hash: string;
};

/** A row of the table of current objects. */
export type ObjectRow = {
  readonly object_group: string;
  readonly object_kind: string;
  readonly object_namespace: string;
  readonly object_name: string;
  readonly version: number;
  readonly changed_at: string;
  readonly object: string;
};

export function toEventRow(event: StoredEvent): EventRow {
  return {
    seq: event.seq,
    id: event.id,
    type: event.type,
    subject_group: event.subject.group,
    subject_kind: event.subject.kind,
    subject_namespace: event.subject.namespace,
    subject_name: event.subject.name,
    subject_uid: event.subject.uid,
    object: JSON.stringify(event.object),
    actor_user: event.actor.user,
    actor_via: event.actor.via,
    request_id: event.requestId,
    time: event.time,
    schema_version: event.schemaVersion,
    prev_hash: event.prevHash,
    hash: event.hash,
  };
}

export function fromEventRow(row: EventRow): StoredEvent {
  return {
    seq: row.seq,
    id: row.id,
    type: row.type,
    subject: {
      group: row.subject_group,
      kind: row.subject_kind,
      namespace: row.subject_namespace,
      name: row.subject_name,
      uid: row.subject_uid,
    },
    object: parseObject(row.object),
    actor: { user: row.actor_user, via: row.actor_via },
    requestId: row.request_id,
    time: row.time,
    schemaVersion: row.schema_version,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}

/** The row that a Created, SpecChanged or MetadataChanged event leaves in the table of current objects. */
export function toObjectRow(event: StoredEvent): ObjectRow {
  return {
    object_group: event.subject.group,
    object_kind: event.subject.kind,
    object_namespace: event.subject.namespace,
    object_name: event.subject.name,
    version: event.seq,
    changed_at: event.time,
    object: JSON.stringify(event.object),
  };
}

export function fromObjectRow(row: ObjectRow): StoredObject {
  return {
    ref: {
      group: row.object_group,
      kind: row.object_kind,
      namespace: row.object_namespace,
      name: row.object_name,
    },
    version: row.version,
    changedAt: row.changed_at,
    object: parseObject(row.object),
  };
}

/** The log writes these texts itself, from validated objects. */
function parseObject(text: string): KubernetesObject {
  return JSON.parse(text) as KubernetesObject;
}
