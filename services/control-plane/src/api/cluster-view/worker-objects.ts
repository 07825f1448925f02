import { createHash } from 'node:crypto';
import { type JsonObject, NAMESPACE, type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import { refOf } from '../../command/index.ts';
import { ADMIN_PORT, CONTAINER_NAME, DEPLOYMENT, POD } from './kinds.ts';
import type { ViewObject } from './view.ts';

/** A worker that is connected now. */
export type Worker = {
  readonly node: { readonly id: string; readonly role: string; readonly namespace?: string; readonly name?: string };
  readonly gateway: { readonly namespace: string; readonly name: string };
  /** `address:port` of its end of the connection. */
  readonly peer: string;
  readonly since: Date;
  /** Whether it has answered a configuration. */
  readonly configured: boolean;
};

/** A worker's Pod, with the worker. */
export type WorkerPod = { readonly worker: Worker; readonly pod: ViewObject };

/** Where workers live that do not say otherwise, as in agentgateway's own installation. */
const DEFAULT_WORKER_NAMESPACE = 'agentgateway-system';
const GATEWAY_LABEL = 'gateway.networking.k8s.io/gateway-name';
const MAX_LABEL = 63;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const TEMPLATE_SPEC: JsonObject = {
  containers: [{ name: CONTAINER_NAME, ports: [{ name: 'admin', containerPort: ADMIN_PORT, protocol: 'TCP' }] }],
};

/**
 * The Pods of the connected workers, by key. A worker whose old connection is not known to be dead yet has one Pod:
 * that of the newest.
 */
export function workerPods(workers: readonly Worker[]): ReadonlyMap<string, WorkerPod> {
  return new Map(
    workers.map((worker): [string, WorkerPod] => {
      const pod = podOf(worker);
      return [refKey(pod.ref), { worker, pod }];
    }),
  );
}

/** The Deployments of Pods. `known` gives one that is there already, which keeps its identity. */
export function deployments(
  pods: Iterable<WorkerPod>,
  known: (ref: ObjectRef) => ViewObject | undefined,
): readonly ViewObject[] {
  const groups = new Map<string, WorkerPod[]>();
  for (const entry of pods) {
    const { namespace } = entry.pod.ref;
    const key = `${namespace}/${entry.worker.gateway.name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return [...groups.values()].map((group) => deploymentOf(group, known));
}

/** A namespace that workers live in, as old as the first of them. It has no version: it may not be stored. */
export function namespaceObject(name: string, since: string): StoredObject {
  const ref = refOf(NAMESPACE, '', name);
  const metadata = { name, creationTimestamp: since, labels: { 'kubernetes.io/metadata.name': name } };
  return { ref, version: 0, changedAt: since, object: { apiVersion: 'v1', kind: NAMESPACE.kind, metadata } };
}

function podOf(worker: Worker): ViewObject {
  const { node, gateway, configured } = worker;
  const namespace = DNS_LABEL.test(node.namespace ?? '') ? (node.namespace ?? '') : DEFAULT_WORKER_NAMESPACE;
  const ref = refOf(POD, namespace, podName(node.name ?? node.id));
  const since = wholeSeconds(worker.since);
  const ready = String(configured).replace(/^./, (letter) => letter.toUpperCase());
  const ip = worker.peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return {
    ref,
    changedAt: since,
    object: {
      apiVersion: 'v1',
      kind: POD.kind,
      metadata: {
        name: ref.name,
        namespace,
        uid: uuidOf([node.id, node.role, namespace, worker.since.toISOString()]),
        creationTimestamp: since,
        labels: { ...selectorLabels(gateway.name), 'pulseplane.dev/gateway-namespace': labelValue(gateway.namespace) },
        annotations: { 'pulseplane.dev/node-id': node.id },
      },
      spec: TEMPLATE_SPEC,
      status: {
        phase: 'Running',
        conditions: ['Ready', 'ContainersReady'].map((type) => ({
          type,
          status: ready,
          ...(!configured && { reason: 'NotConfigured', message: 'it has not answered a configuration yet' }),
        })),
        podIP: ip,
        podIPs: [{ ip }],
        startTime: since,
        containerStatuses: [
          { name: CONTAINER_NAME, ready: configured, restartCount: 0, state: { running: { startedAt: since } } },
        ],
      },
    },
  };
}

function deploymentOf(group: readonly WorkerPod[], known: (ref: ObjectRef) => ViewObject | undefined): ViewObject {
  const [{ worker, pod } = undefined as never] = group;
  const ref = refOf(DEPLOYMENT, pod.ref.namespace, worker.gateway.name);
  const since = known(ref)?.changedAt ?? pod.changedAt;
  const replicas = group.length;
  const ready = group.filter(({ worker: { configured } }) => configured).length;
  const labels = selectorLabels(worker.gateway.name);
  return {
    ref,
    changedAt: since,
    object: {
      apiVersion: 'apps/v1',
      kind: DEPLOYMENT.kind,
      metadata: {
        name: ref.name,
        namespace: ref.namespace,
        uid: uuidOf([ref.kind, ref.namespace, ref.name, since]),
        generation: 1,
        creationTimestamp: since,
        labels,
      },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: TEMPLATE_SPEC },
      },
      status: {
        observedGeneration: 1,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: ready,
        availableReplicas: ready,
        unavailableReplicas: replicas - ready,
        conditions: [
          {
            type: 'Available',
            status: ready > 0 ? 'True' : 'False',
            reason: ready > 0 ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
          },
        ],
      },
    },
  };
}

function selectorLabels(gateway: string): Readonly<Record<string, string>> {
  return { [GATEWAY_LABEL]: labelValue(gateway) };
}

/** The same for the same worker, and a name that DNS allows: what is not is replaced, and a hash tells such apart. */
function podName(id: string): string {
  if (DNS_LABEL.test(id)) return id;
  const readable = id
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+/g, '');
  return `${readable.slice(0, MAX_LABEL - 9)}-${hash(id).slice(0, 8)}`.replace(/^-/, 'worker-').replaceAll('--', '-');
}

/** Names of objects may be longer than a label's value. */
function labelValue(name: string): string {
  return name.length <= MAX_LABEL ? name : `${name.slice(0, MAX_LABEL - 9)}-${hash(name).slice(0, 8)}`;
}

function uuidOf(parts: readonly string[]): string {
  return hash(JSON.stringify(parts)).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function wholeSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
