import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import type { JsonObject, KubernetesObject } from '@pulseplane/resources';
import { Projection } from './index.ts';
import { CLASS, eventOf, refOfObject } from './testing/event-of.ts';

const NAME = { namespace: 'ns', name: 'edge' };
const OBSERVE = () => ({ kind: 'no-workers' }) as const;

type Conditions = { readonly conditions: readonly { readonly status: string; readonly reason: string }[] };

/** TLS that passes through, on two hostnames of one port and on another, beside HTTP. */
const GATEWAY = object('gateway.networking.k8s.io/v1', 'Gateway', NAME, {
  gatewayClassName: 'agentgateway',
  listeners: [
    { name: 'http', port: 80, protocol: 'HTTP' },
    { name: 'exact', port: 443, protocol: 'TLS', hostname: 'a.example.com', tls: { mode: 'Passthrough' } },
    { name: 'wildcard', port: 443, protocol: 'TLS', hostname: '*.example.com', tls: { mode: 'Passthrough' } },
    {
      name: 'other',
      port: 444,
      protocol: 'TLS',
      hostname: 'a.example.com',
      tls: { mode: 'Passthrough' },
      allowedRoutes: { namespaces: { from: 'All' } },
    },
  ],
});

describe('where a TLSRoute attaches, and why not', () => {
  const cases: readonly (readonly [string, KubernetesObject, string, readonly string[]])[] = [
    ['everywhere', route({}), 'Accepted', ['exact', 'wildcard', 'other']],
    ['by sectionName', route({ sectionName: 'exact' }), 'Accepted', ['exact']],
    ['by port', route({ port: 444 }), 'Accepted', ['other']],
    ['where a hostname is served', route({}, ['b.example.com']), 'Accepted', ['wildcard']],
    ['from another namespace', route({}, undefined, 'elsewhere'), 'Accepted', ['other']],
    ['no such gateway', route({ name: 'none' }), 'NoMatchingParent', []],
    ['no such listener', route({ sectionName: 'none' }), 'NoMatchingParent', []],
    ['no such port', route({ port: 1 }), 'NoMatchingParent', []],
    ['no listener with its hostname', route({}, ['a.example.org']), 'NoMatchingListenerHostname', []],
    ['a listener of HTTP', route({ sectionName: 'http' }), 'NotAllowedByListeners', []],
    [
      'a listener that takes none from its namespace',
      route({ sectionName: 'exact' }, undefined, 'elsewhere'),
      'NotAllowedByListeners',
      [],
    ],
  ];
  for (const [what, one, reason, listeners] of cases) {
    test(what, async () => {
      const { projection, statusOf } = await projectionOf([GATEWAY, one]);
      const { parents } = statusOf(one) as { parents: readonly Conditions[] };
      assert.deepEqual(
        parents.map(({ conditions }) => [conditions[0]?.status, conditions[0]?.reason]),
        [[reason === 'Accepted' ? 'True' : 'False', reason]],
      );
      const places = projection
        .gateway(NAME)
        .flatMap((resource) => (resource.kind === 'tcp_route' ? [resource.listenerKey] : []));
      assert.deepEqual(
        places,
        listeners.map((listener) => `ns/edge.${listener}`),
      );
    });
  }
});

test('TLS becomes one bind for each port, and a route with the hostnames that it has on a listener', async () => {
  const one = route({ sectionName: 'wildcard' }, ['*.deep.example.com', 'a.example.org']);
  const { projection } = await projectionOf([GATEWAY, one]);
  const resources = projection.gateway(NAME);
  assert.deepEqual(
    resources.flatMap((resource) => (resource.kind === 'bind' ? [`${resource.port} ${resource.protocol}`] : [])),
    ['80 http', '443 tls', '444 tls'],
  );
  const listenerKey = 'ns/edge.wildcard';
  assert.deepEqual(
    resources.find(({ kind }) => kind === 'tcp_route'),
    {
      kind: 'tcp_route',
      key: `ns/r.00.tls:${listenerKey}`,
      listenerKey,
      name: { kind: 'TLSRoute', namespace: 'ns', name: 'r' },
      hostnames: ['*.deep.example.com'],
      backends: [
        { backendKey: 'ns/up', weight: 3 },
        { backendKey: 'ns/down', weight: 1 },
      ],
    },
  );
});

test('a gateway says which routes its TLS listeners take, and how many they have', async () => {
  const { statusOf } = await projectionOf([GATEWAY, route({ port: 443 })]);
  type ListenerStatus = Conditions & { name: string; supportedKinds: { kind: string }[]; attachedRoutes: number };
  const { listeners } = statusOf(GATEWAY) as { listeners: readonly ListenerStatus[] };
  assert.deepEqual(
    listeners.map(({ name, supportedKinds: [kind], attachedRoutes, conditions: [accepted] }) => {
      return [name, kind?.kind, attachedRoutes, accepted?.reason];
    }),
    [
      ['http', 'HTTPRoute', 0, 'Accepted'],
      ['exact', 'TLSRoute', 1, 'Accepted'],
      ['wildcard', 'TLSRoute', 1, 'Accepted'],
      ['other', 'TLSRoute', 0, 'Accepted'],
    ],
  );
});

test('the PROXY protocol of a policy has the key of agentgateway and its defaults; a port has its own', async () => {
  const target = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
  const policy = (name: string, part: JsonObject, proxyProtocol: JsonObject) =>
    object(
      'agentgateway.dev/v1alpha1',
      'AgentgatewayPolicy',
      { namespace: 'ns', name },
      {
        targetRefs: [{ ...target, ...part }],
        frontend: { proxyProtocol },
      },
    );
  const all = policy('all', {}, {});
  const { projection, statusOf, stored } = await projectionOf([
    GATEWAY,
    all,
    policy('http', { port: 80 }, { mode: 'Optional', version: 'All' }),
    policy('late', {}, { version: 'V1' }),
  ]);
  const key = 'frontend/ns/all:frontend-proxy:ns/edge';
  assert.deepEqual(
    projection.gateway(NAME).find((resource) => resource.key === key),
    {
      kind: 'policy',
      key,
      name: { kind: 'AgentgatewayPolicy', namespace: 'ns', name: 'all' },
      target: { gateway: NAME },
      frontend: { section: 'proxyProtocol', proxyProtocol: { mode: 'strict', version: 'v2' } },
    },
  );
  assert.deepEqual(
    projection
      .portSettings(stored(GATEWAY))
      .map(({ port, frontend: { proxyProtocol }, proxyProtocolPolicy }) => [
        port,
        proxyProtocol?.mode,
        proxyProtocol?.version,
        proxyProtocolPolicy?.ref.name,
      ]),
    [
      [80, 'optional', 'all', 'http'],
      [443, 'strict', 'v2', 'all'],
      [444, 'strict', 'v2', 'all'],
    ],
  );
  const attached = (name: string) => {
    const { ancestors } = statusOf(policy(name, {}, {})) as {
      ancestors: readonly { conditions: readonly { message: string }[] }[];
    };
    return ancestors[0]?.conditions[1]?.message;
  };
  assert.equal(attached('all'), 'Attached to all targets');
  assert.equal(attached('late'), 'frontend.proxyProtocol is overridden by AgentgatewayPolicy ns/all');
});

function object(
  apiVersion: string,
  kind: string,
  metadata: { readonly namespace: string; readonly name: string },
  spec: object,
): KubernetesObject {
  const creationTimestamp = '2026-01-01T00:00:00Z';
  return { apiVersion, kind, metadata: { ...metadata, generation: 1, creationTimestamp }, spec: spec as JsonObject };
}

function route(parentRef: object, hostnames?: readonly string[], namespace = 'ns'): KubernetesObject {
  return object(
    'gateway.networking.k8s.io/v1alpha2',
    'TLSRoute',
    { namespace, name: 'r' },
    {
      parentRefs: [{ ...NAME, ...parentRef }],
      ...(hostnames && { hostnames }),
      rules: [{ backendRefs: [{ name: 'up', weight: 3 }, { name: 'down' }] }],
    },
  );
}

async function projectionOf(objects: readonly KubernetesObject[]) {
  const log = createMemoryEventLog();
  await log.append({
    expected: [],
    events: [CLASS, ...objects].map((one, index) => eventOf(one, 'Created', `e${index}`)),
  });
  const projection = new Projection(log);
  const stored = (one: KubernetesObject) => log.object(refOfObject(one)) ?? assert.fail('not stored');
  return { projection, stored, statusOf: (one: KubernetesObject): unknown => projection.status(stored(one), OBSERVE) };
}
