import { hash } from 'node:crypto';
import type { KubernetesObject, StoredObject } from '@pulseplane/resources';
import type { SealedEvent } from '../chain.ts';
import type { EventType, StoredEvent } from '../event.ts';

/** An event with its subject's names, column by column. */
export type EventRow = {
  readonly seq: number;
  /** The number of its subject; the names come from the table of subjects. */
  readonly subject: number;
  /** The subject's event before this one; 0: none. */
  readonly previous: number;
  /** How many events the subject has had with this one. */
  readonly revision: number;
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
  readonly correlation_id: string | null;
  readonly restored_from: number | null;
};

/** What the table of subjects knows of one: its newest event, how many it has had, and the one that made the current object. */
export type SubjectRow = {
  readonly id: number;
  readonly newest: number;
  readonly revision: number;
  /** 0 when the object does not exist. */
  readonly version: number;
};

/** The columns of the events table in the order of {@link toEventValues}. */
export const EVENT_COLUMNS = [
  'seq',
  'subject',
  'previous',
  'revision',
  'id',
  'type',
  'subject_uid',
  'actor_user',
  'actor_via',
  'request_id',
  'correlation_id',
  'restored_from',
  'time',
  'schema_version',
  'prev_hash',
  'hash',
  'object',
] as const satisfies readonly (keyof EventRow)[];

/** Positional, because binding by name costs a third more on the path of every append. */
export function toEventValues(
  { event, objectText }: SealedEvent,
  subject: number,
  previous: number,
  revision: number,
): readonly (string | number | null)[] {
  return [
    event.seq,
    subject,
    previous,
    revision,
    event.id,
    event.type,
    event.subject.uid,
    event.actor.user,
    event.actor.via,
    event.requestId,
    event.correlationId === event.requestId ? null : event.correlationId,
    event.restoredFrom?.seq ?? null,
    event.time,
    event.schemaVersion,
    event.prevHash,
    event.hash,
    objectText,
  ];
}

/** The events of a command that came with an idempotency key. */
export type CommandRow = { readonly idempotency_key: string; readonly first_seq: number; readonly last_seq: number };

/** What shows that a row of the table of commands is as it was written. */
export function commandDigest({ idempotency_key, first_seq, last_seq }: CommandRow): string {
  return hash('sha256', JSON.stringify([idempotency_key, first_seq, last_seq]));
}

export function fromEventRow(row: EventRow): StoredEvent {
  return { ...headOfEventRow(row), object: parseObject(row.object) };
}

/**
 * An event without its object. Upcasts on the way: an event of schema version 1 belonged to its own request only (as
 * most do), and restored nothing.
 */
export function headOfEventRow(row: EventRow): Omit<StoredEvent, 'object'> {
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
    actor: { user: row.actor_user, via: row.actor_via },
    requestId: row.request_id,
    correlationId: row.correlation_id ?? row.request_id,
    time: row.time,
    ...(row.restored_from && { restoredFrom: { seq: row.restored_from } }),
    schemaVersion: row.schema_version,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}

/** The columns of an event that tell of the object that it left behind. */
export type ObjectRow = Pick<
  EventRow,
  'seq' | 'subject_group' | 'subject_kind' | 'subject_namespace' | 'subject_name' | 'time' | 'object'
>;

/** The object that an event left behind. */
export function fromObjectRow(row: ObjectRow): StoredObject {
  return {
    ref: {
      group: row.subject_group,
      kind: row.subject_kind,
      namespace: row.subject_namespace,
      name: row.subject_name,
    },
    version: row.seq,
    changedAt: row.time,
    object: parseObject(row.object),
  };
}

/** The log writes these texts itself, from validated objects. */
function parseObject(text: string): KubernetesObject {
  return JSON.parse(text) as KubernetesObject;
}
