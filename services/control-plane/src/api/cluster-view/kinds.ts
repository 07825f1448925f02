import { defineKind, type JsonObject, type ResourceKind, readPath } from '@pulseplane/resources';
import { object, text, whole } from '../openapi-schema.ts';
import { EVENT } from '../recorded-events/event-kind.ts';

/** The container of every worker's Pod, and its admin port. */
export const CONTAINER_NAME = 'agentgateway';
export const ADMIN_PORT = 15_000;

const conditions: JsonObject = {
  type: 'array',
  items: object({ type: text, status: text, reason: text, message: text, lastTransitionTime: text }),
};
const containers: JsonObject = {
  type: 'array',
  items: object({
    name: text,
    ports: { type: 'array', items: object({ name: text, containerPort: whole, protocol: text }) },
  }),
};
const labels: JsonObject = { type: 'object', additionalProperties: text };

/** A worker that is connected. */
export const POD: ResourceKind = defineKind({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  description: 'A worker that is connected to this control plane. Read-only.',
  spec: object({ containers }),
  status: object({
    phase: text,
    conditions,
    podIP: { ...text, description: 'Where the worker connects from.' },
    podIPs: { type: 'array', items: object({ ip: text }) },
    startTime: { ...text, description: 'When the worker connected.' },
    containerStatuses: {
      type: 'array',
      items: object({ name: text, ready: { type: 'boolean' }, restartCount: whole }),
    },
  }),
  selectableFields: {
    'spec.nodeName': () => '',
    'status.phase': ({ status }) => String(status?.['phase'] ?? ''),
    'status.podIP': ({ status }) => String(status?.['podIP'] ?? ''),
  },
  columns: [
    { name: 'Ready', type: 'string', jsonPath: '', read: podReady, description: 'Whether it has its configuration.' },
    { name: 'Status', type: 'string', jsonPath: '.status.phase', description: 'Running: it is connected.' },
    {
      name: 'Restarts',
      type: 'string',
      jsonPath: '',
      read: () => '0',
      description: 'Not known: a worker that starts again is a new Pod.',
    },
    { name: 'IP', type: 'string', jsonPath: '.status.podIP', description: 'Where it connects from.', priority: 1 },
  ],
});

/** The connected workers of a gateway, taken together. */
export const DEPLOYMENT: ResourceKind = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  description: 'The connected workers of a gateway, which it is named after. Read-only.',
  spec: object({
    replicas: whole,
    selector: object({ matchLabels: labels }),
    template: object({ metadata: object({ labels }), spec: object({ containers }) }),
  }),
  status: object({
    observedGeneration: whole,
    replicas: whole,
    updatedReplicas: whole,
    readyReplicas: whole,
    availableReplicas: whole,
    unavailableReplicas: whole,
    conditions,
  }),
  columns: [
    { name: 'Ready', type: 'string', jsonPath: '', read: deploymentReady, description: 'Ready workers of all.' },
    {
      name: 'Up-to-date',
      type: 'string',
      jsonPath: '.status.updatedReplicas',
      description: 'The connected workers.',
    },
    { name: 'Available', type: 'string', jsonPath: '.status.availableReplicas', description: 'The ready workers.' },
  ],
});

/** The kinds that show what is connected, or has happened. */
export const VIEW_KINDS: readonly ResourceKind[] = [POD, DEPLOYMENT, EVENT];

function podReady(pod: JsonObject): string {
  return `${readPath(pod, '.status.containerStatuses[*].ready')[0] === true ? 1 : 0}/1`;
}

function deploymentReady(deployment: JsonObject): string {
  const [ready, replicas] = ['readyReplicas', 'replicas'].map((field) => readPath(deployment, `.status.${field}`)[0]);
  return `${String(ready)}/${String(replicas)}`;
}

/** The paths below an object of the view, with the verbs that Kubernetes has for them. */
export function viewSubresources(
  kind: ResourceKind,
): readonly { readonly name: string; readonly verbs: readonly string[] }[] {
  return kind === POD
    ? [
        { name: 'log', verbs: ['get'] },
        { name: 'portforward', verbs: ['create', 'get'] },
      ]
    : [];
}

/** Paths below an object that clients know of Kubernetes and that nobody can use here, to be told so. */
export function refusedSubresources(kind: ResourceKind): readonly string[] {
  if (kind === POD) return ['attach', 'ephemeralcontainers', 'eviction', 'exec', 'proxy', 'resize', 'status'];
  return kind === DEPLOYMENT ? ['scale', 'status'] : [];
}
