import type { NewEvent } from '@pulseplane/event-log';
import type { KubernetesObject, ObjectRef } from '@pulseplane/resources';

/** The class of the tests' gateways. */
export const CLASS = classOf('agentgateway', 'agentgateway.dev/agentgateway');

export function classOf(name: string, controllerName: string): KubernetesObject {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name, generation: 1 },
    spec: { controllerName },
  };
}

/** Names an object by its own content. */
export function refOfObject({ apiVersion, kind, metadata }: KubernetesObject): ObjectRef {
  const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : [''];
  return { group, kind, namespace: metadata.namespace ?? '', name: metadata.name };
}

/** An event about an object, as a command would append it. */
export function eventOf(object: KubernetesObject, type: 'Created' | 'SpecChanged' | 'Deleted', id: string): NewEvent {
  return {
    id,
    type,
    subject: { ...refOfObject(object), uid: `uid-${object.metadata.name}` },
    object,
    actor: { user: 'anonymous', via: 'test' },
    requestId: id,
    correlationId: id,
    time: '2026-11-22T12:00:00.000Z',
  };
}
