import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import type { JsonObject, KubernetesObject } from '@pulseplane/resources';
import { type PortFailure, Projection } from '../index.ts';
import { eventOf, refOfObject } from '../testing/event-of.ts';

const GATEWAY_API = 'gateway.networking.k8s.io';
const ON_GATEWAY = { group: GATEWAY_API, kind: 'Gateway', name: 'edge' };
const ON_ROUTE = { group: GATEWAY_API, kind: 'HTTPRoute', name: 'web' };
const ON_BACKEND = { group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'up' };
const FRONTEND = { frontend: { tcp: { keepalive: { retries: 1 } } } };
const BACKEND = { backend: { tcp: { connectTimeout: '2s' } } };

function object(apiVersion: string, kind: string, name: string, spec: JsonObject): KubernetesObject {
  const namespaced = kind === 'GatewayClass' ? {} : { namespace: 'shop' };
  return { apiVersion, kind, metadata: { name, ...namespaced, generation: 1 }, spec };
}

const WORLD = [
  object(`${GATEWAY_API}/v1`, 'GatewayClass', 'agentgateway', { controllerName: 'agentgateway.dev/agentgateway' }),
  object(`${GATEWAY_API}/v1`, 'Gateway', 'edge', {
    gatewayClassName: 'agentgateway',
    listeners: [
      { name: 'http', protocol: 'HTTP', port: 80 },
      { name: 'tcp', protocol: 'TCP', port: 81 },
    ],
  }),
  object(`${GATEWAY_API}/v1`, 'HTTPRoute', 'web', {
    parentRefs: [{ name: 'edge' }],
    rules: [{ backendRefs: [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'up' }] }],
  }),
  object('agentgateway.dev/v1alpha1', 'AgentgatewayBackend', 'up', { static: { host: 'up', port: 1 } }),
];

type Conditions = {
  readonly conditions: readonly Readonly<Record<'type' | 'status' | 'reason' | 'message', string>>[];
};
type GatewayStatus = Conditions & { readonly listeners: readonly (Conditions & { readonly name: string })[] };

/** The status of the Gateway, or of a policy, with two workers of which some cannot open a port. */
async function statusWith(failures: readonly [worker: string, port: number][], policy?: KubernetesObject) {
  const log = createMemoryEventLog();
  const objects = [...WORLD, ...(policy === undefined ? [] : [policy])];
  const events = objects.map((one, index) => eventOf(one, 'Created', `e${index}`));
  await log.append({ expected: [], events });
  const portFailures: PortFailure[] = failures.map(([worker, port]) => ({
    worker,
    port,
    address: worker === 'v6' ? '::1' : '127.0.0.1',
    code: 'EADDRINUSE',
  }));
  const stored = log.object(refOfObject(policy ?? object(`${GATEWAY_API}/v1`, 'Gateway', 'edge', {})));
  assert.ok(stored);
  return new Projection(log).status(stored, () => ({
    kind: 'connected',
    workers: 2,
    waiting: [],
    rejections: [],
    portFailures,
  })) as unknown as GatewayStatus;
}

function said({ conditions }: Conditions, type: string): readonly unknown[] {
  const { status, reason, message } = conditions.find((one) => one.type === type) ?? {};
  return [status, reason, message];
}

const ACKNOWLEDGED = ['True', 'Programmed', 'Acknowledged by every connected worker (2)'];

test('a port that one worker cannot open is said by its listener and the Gateway; the listener stays accepted', async () => {
  const status = await statusWith([['v6', 80]]);
  const message = 'Port 80 cannot be opened by v6 (EADDRINUSE [::1]:80)';
  assert.deepEqual(said(status, 'Programmed'), ['False', 'PortUnavailable', `Listener http: ${message}`]);
  const [http, tcp] = status.listeners;
  assert(http && tcp);
  assert.deepEqual(said(http, 'Programmed'), ['False', 'PortUnavailable', message]);
  assert.deepEqual(said(http, 'Accepted'), ['True', 'Accepted', 'Listener is accepted']);
  assert.deepEqual(said(tcp, 'Programmed'), ACKNOWLEDGED);
});

test('a port that no worker can open is not accepted', async () => {
  const status = await statusWith([
    ['a', 81],
    ['b', 81],
  ]);
  const message = 'Port 81 cannot be opened by a (EADDRINUSE 127.0.0.1:81), b (EADDRINUSE 127.0.0.1:81)';
  assert.deepEqual(said(status, 'Accepted').slice(0, 1), ['True']);
  const [http, tcp] = status.listeners;
  assert(http && tcp);
  assert.deepEqual(said(tcp, 'Accepted'), ['False', 'PortUnavailable', message]);
  assert.deepEqual(said(tcp, 'Programmed'), ['False', 'PortUnavailable', message]);
  assert.deepEqual(said(http, 'Accepted').slice(0, 1), ['True']);
});

const BOTH_AT_80: readonly [string, number][] = [
  ['a', 80],
  ['b', 80],
];
const NOWHERE: readonly [string, number][] = [...BOTH_AT_80, ['a', 81], ['b', 81]];
const CASES: readonly [
  what: string,
  target: JsonObject,
  sections: JsonObject,
  failures: readonly [string, number][],
  reason: string,
][] = [
  ['a port that one worker has open', { ...ON_GATEWAY, port: 80 }, FRONTEND, [['a', 80]], 'Programmed'],
  ['a port that nobody has open', { ...ON_GATEWAY, port: 80 }, FRONTEND, BOTH_AT_80, 'PortUnavailable'],
  ['another port', { ...ON_GATEWAY, port: 81 }, FRONTEND, BOTH_AT_80, 'Programmed'],
  ['a Gateway with another port', ON_GATEWAY, FRONTEND, BOTH_AT_80, 'Programmed'],
  ['a Gateway without an open port', ON_GATEWAY, FRONTEND, NOWHERE, 'PortUnavailable'],
  ['a listener', { ...ON_GATEWAY, sectionName: 'http' }, BACKEND, BOTH_AT_80, 'PortUnavailable'],
  ['another listener', { ...ON_GATEWAY, sectionName: 'tcp' }, BACKEND, BOTH_AT_80, 'Programmed'],
  ['a route', ON_ROUTE, BACKEND, BOTH_AT_80, 'PortUnavailable'],
  ['a backend of the route', ON_BACKEND, BACKEND, BOTH_AT_80, 'PortUnavailable'],
];

for (const [what, target, sections, failures, reason] of CASES) {
  test(`a policy on ${what}: ${reason}`, async () => {
    const policy = object('agentgateway.dev/v1alpha1', 'AgentgatewayPolicy', 'p', {
      targetRefs: [target],
      ...sections,
    });
    const status = await statusWith(failures as [string, number][], policy);
    assert.equal(said(status, 'Programmed')[1], reason, JSON.stringify(status));
  });
}
