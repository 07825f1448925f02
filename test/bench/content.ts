import { randomUUID } from 'node:crypto';
import type { NewEvent } from '@pulseplane/event-log';
import {
  AGENTGATEWAY_BACKEND,
  apiVersionOf,
  type KubernetesObject,
  NAMESPACE,
  type ObjectRef,
} from '@pulseplane/resources';

/** What a write stores, in every system that is compared: about the size of a policy. */
export const VALUE_BYTES = 584;
/** What a log and an etcd are filled with: every object once in its first version, then every one in its second ... */
export const OBJECTS = 100_000;
export const VERSIONS = 10;
const NAMESPACES = 100;
const NAMESPACE_NAMES = ['default', ...Array.from({ length: NAMESPACES }, (_, index) => namespaceName(index))];
const CREATED = '2026-01-01T00:00:00Z';

/** An object's names, from its index: 0 to OBJECTS - 1. */
export function refOf(index: number): ObjectRef {
  const { group, kind } = AGENTGATEWAY_BACKEND;
  return { group, kind, namespace: namespaceName(index % NAMESPACES), name: `backend-${digits(index, 6)}` };
}

/** A version (1 to VERSIONS) of an object as the log keeps it: VALUE_BYTES of JSON. */
export function objectOf(index: number, version: number): KubernetesObject {
  const { namespace, name } = refOf(index);
  const build = (padding: string): KubernetesObject => ({
    apiVersion: apiVersionOf(AGENTGATEWAY_BACKEND),
    kind: AGENTGATEWAY_BACKEND.kind,
    metadata: {
      name,
      namespace,
      uid: uidOf(index),
      creationTimestamp: CREATED,
      generation: version,
      annotations: { padding },
    },
    spec: { static: { host: '127.0.0.1', port: 9000 + version } },
  });
  return build('x'.repeat(VALUE_BYTES - JSON.stringify(build('')).length));
}

/** The namespaces come first, so an object's sequence number follows from its index and its version. */
export function seqOf(index: number, version: number): number {
  return NAMESPACE_NAMES.length + (version - 1) * OBJECTS + index + 1;
}

export function namespaceEvents(): readonly NewEvent[] {
  return NAMESPACE_NAMES.map((name, index) => {
    const ref = { group: NAMESPACE.group, kind: NAMESPACE.kind, namespace: '', name };
    const object = {
      apiVersion: apiVersionOf(NAMESPACE),
      kind: NAMESPACE.kind,
      metadata: {
        name,
        uid: uidOf(OBJECTS + index),
        creationTimestamp: CREATED,
        labels: { 'kubernetes.io/metadata.name': name },
      },
    };
    return toEvent('Created', ref, object);
  });
}

export function eventOf(index: number, version: number): NewEvent {
  return toEvent(version === 1 ? 'Created' : 'SpecChanged', refOf(index), objectOf(index, version));
}

function toEvent(type: NewEvent['type'], ref: ObjectRef, object: KubernetesObject): NewEvent {
  const requestId = randomUUID();
  return {
    id: randomUUID(),
    type,
    subject: { ...ref, uid: object.metadata.uid ?? '' },
    object,
    actor: { user: 'bench', via: 'bench' },
    requestId,
    correlationId: requestId,
    time: new Date().toISOString(),
  };
}

function namespaceName(index: number): string {
  return `bench-${digits(index, 2)}`;
}

function uidOf(index: number): string {
  return `00000000-0000-4000-8000-${digits(index, 12)}`;
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
