import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import type { JsonObject, KubernetesObject, StoredObject } from '@pulseplane/resources';
import { Projection } from './index.ts';
import { CLASS, eventOf, refOfObject } from './testing/event-of.ts';

const GATEWAY_API = 'gateway.networking.k8s.io';
const EDGE = { namespace: 'shop', name: 'edge' };
const ON_GATEWAY = { group: GATEWAY_API, kind: 'Gateway', name: 'edge' };
const ON_ROUTE = { group: GATEWAY_API, kind: 'HTTPRoute', name: 'web' };
const ON_BACKEND = { group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'up' };
const BOTH = { tcp: { connectTimeout: '2s' }, http: { version: 'HTTP2', requestTimeout: '1500ms' } };
const BACKEND_REFS = [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'up' }];

const WORLD = [
  CLASS,
  object('Gateway', 'edge', {
    gatewayClassName: 'agentgateway',
    listeners: [
      { name: 'http', protocol: 'HTTP', port: 80 },
      { name: 'tcp', protocol: 'TCP', port: 81 },
    ],
  }),
  object('HTTPRoute', 'web', {
    parentRefs: [{ name: 'edge' }],
    rules: [{ name: 'first', backendRefs: BACKEND_REFS }, { backendRefs: BACKEND_REFS }],
  }),
  object('HTTPRoute', 'loose', { rules: [{ backendRefs: BACKEND_REFS }] }),
  object('AgentgatewayBackend', 'up', { static: { host: 'up', port: 1 } }),
  object('AgentgatewayBackend', 'unused', { static: { host: 'up', port: 2 } }),
];

const TARGETS: readonly (readonly [ref: JsonObject, attachment: string, target: object])[] = [
  [ON_GATEWAY, 'shop/edge', { gateway: EDGE }],
  [{ ...ON_GATEWAY, sectionName: 'tcp' }, 'shop/edge/tcp', { gateway: EDGE, listener: 'tcp' }],
  [ON_ROUTE, 'shop/web', { route: { kind: 'HTTPRoute', namespace: 'shop', name: 'web' } }],
  [
    { ...ON_ROUTE, sectionName: 'first' },
    'shop/web/first',
    { route: { kind: 'HTTPRoute', namespace: 'shop', name: 'web', ruleName: 'first' } },
  ],
  [ON_BACKEND, 'shop/up', { backend: { namespace: 'shop', name: 'up' } }],
];

for (const [ref, attachment, target] of TARGETS) {
  test(`a policy on ${attachment} becomes one resource for each section, with agentgateway's keys`, async () => {
    const { projection, status } = await world([policy('p', [ref], BOTH)]);
    const policies = projection.gateway(EDGE).filter(({ kind }) => kind === 'policy');
    const name = { kind: 'AgentgatewayPolicy', namespace: 'shop', name: 'p' };
    assert.deepEqual(policies, [
      {
        kind: 'policy',
        key: `backend/shop/p:backend-tcp:${attachment}`,
        name,
        target,
        backend: { section: 'tcp', connectTimeoutMs: 2000 },
      },
      {
        kind: 'policy',
        key: `shop/p:backend-http:${attachment}`,
        name,
        target,
        backend: { section: 'http', version: 'http2', requestTimeoutMs: 1500 },
      },
    ]);
    assert.deepEqual(status('p'), ['edge True/Attached: Attached to all targets']);
  });
}

test('a backend brings what it sets itself, and a policy on several targets one resource for each', async () => {
  const inline = object('AgentgatewayBackend', 'up', {
    static: { host: 'up', port: 1 },
    policies: { tcp: { keepalive: { time: '30s' } }, http: { version: 'HTTP1' } },
  });
  const both = policy('p', [ON_ROUTE, { ...ON_ROUTE, sectionName: 'first' }], { tcp: {} });
  const { projection } = await world([inline, both]);
  const resources = projection.gateway(EDGE);
  assert.deepEqual(
    resources.flatMap((one) => (one.kind === 'backend' ? one.inlinePolicies : [])),
    [
      { section: 'tcp', keepalive: { timeMs: 30_000 } },
      { section: 'http', version: 'http1' },
    ],
  );
  assert.deepEqual(
    resources.flatMap((one) => (one.kind === 'policy' ? [one.key] : [])),
    ['backend/shop/p:backend-tcp:shop/web', 'backend/shop/p:backend-tcp:shop/web/first'],
  );
});

test('at one target the oldest policy of a section is sent, the other one says who wins', async () => {
  const { projection, status } = await world([
    policy('b', [ON_ROUTE], BOTH, '2026-01-01T00:00:00Z'),
    policy('a', [ON_ROUTE], { tcp: {} }, '2026-01-02T00:00:00Z'),
    policy('c', [ON_ROUTE], { ...BOTH, tcp: {} }, '2025-01-02T00:00:00Z'),
    policy('rule', [{ ...ON_ROUTE, sectionName: 'first' }], { tcp: {} }),
  ]);
  const keys = projection.gateway(EDGE).flatMap((one) => (one.kind === 'policy' ? [one.key] : []));
  assert.deepEqual(keys, [
    'backend/shop/c:backend-tcp:shop/web',
    'shop/c:backend-http:shop/web',
    'backend/shop/rule:backend-tcp:shop/web/first',
  ]);
  assert.deepEqual(status('a'), [
    'edge False/Overridden: backend.tcp on HTTPRoute shop/web is overridden by AgentgatewayPolicy shop/c',
  ]);
  assert.deepEqual(status('b'), [
    'edge False/Overridden: backend.tcp on HTTPRoute shop/web is overridden by AgentgatewayPolicy shop/c; backend.http on HTTPRoute shop/web is overridden by AgentgatewayPolicy shop/c',
  ]);
  assert.deepEqual(status('rule'), ['edge True/Attached: Attached to all targets']);
});

test('a target that is not there, has no such section, or is on no gateway is told as agentgateway does', async () => {
  const cases: readonly (readonly [ref: JsonObject, error: string])[] = [
    [{ ...ON_ROUTE, name: 'none' }, 'HTTPRoute shop/none not found'],
    [{ ...ON_BACKEND, name: 'none' }, 'AgentgatewayBackend shop/none not found'],
    [{ ...ON_GATEWAY, sectionName: 'x' }, 'sectionName "x" not found in Gateway shop/edge'],
    [{ ...ON_ROUTE, sectionName: 'x' }, 'sectionName "x" not found in HTTPRoute shop/web'],
    [{ ...ON_BACKEND, sectionName: 'x' }, 'sectionName "x" not found in AgentgatewayBackend shop/up'],
    [{ ...ON_ROUTE, name: 'loose' }, 'HTTPRoute shop/loose is not attached to any Gateway'],
    [{ ...ON_BACKEND, name: 'unused' }, 'AgentgatewayBackend shop/unused is not attached to any Gateway'],
  ];
  for (const [ref, error] of cases) {
    const { projection, status } = await world([policy('p', [ref], { tcp: {} })]);
    assert.deepEqual(
      projection.gateway(EDGE).filter(({ kind }) => kind === 'policy'),
      [],
    );
    assert.deepEqual(status('p'), [`StatusSummary False/Pending: Policy is not attached: ${error}`]);
  }
});

test('a NACK of a backend policy is shown at the policy that it is about, and at no other', async () => {
  const { stored, projection } = await world([
    policy('p', [ON_ROUTE], BOTH),
    policy('q', [ON_BACKEND], BOTH),
    policy('shop', [ON_GATEWAY], BOTH),
  ]);
  const programmed = (name: string, resource: string) => {
    const rejections = [{ worker: 'w', resource, message: 'no' }];
    const observe = () => ({ kind: 'connected', workers: 1, waiting: [], rejections, portFailures: [] }) as const;
    const status = projection.status(stored(policy(name, [], {})), observe) as unknown as Status;
    return status.conditions?.find(({ type }) => type === 'Programmed')?.status;
  };
  for (const resource of ['policy/shop/p:backend-http:shop/web', 'policy/backend/shop/p:backend-tcp:shop/web']) {
    assert.deepEqual(
      ['p', 'q', 'shop'].map((name) => programmed(name, resource)),
      ['False', 'True', 'True'],
    );
  }
});

type Status = {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly ancestors: readonly {
    readonly ancestorRef: { readonly name: string };
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  }[];
};

/** The usual objects with others beside or in place of them. */
async function world(objects: readonly KubernetesObject[]) {
  const log = createMemoryEventLog();
  const all = new Map([...WORLD, ...objects].map((one) => [JSON.stringify(refOfObject(one)), one]));
  const events = [...all.values()].map((one, index) => eventOf(one, 'Created', `e${index}`));
  await log.append({ expected: [], events });
  const projection = new Projection(log);
  const stored = (one: KubernetesObject): StoredObject => log.object(refOfObject(one)) ?? assert.fail('not stored');
  const status = (name: string): readonly string[] => {
    const observe = () => ({ kind: 'no-workers' }) as const;
    const { ancestors } = projection.status(stored(policy(name, [], {})), observe) as unknown as Status;
    return ancestors.map(({ ancestorRef, conditions }) => {
      const { status, reason, message } = conditions.find(({ type }) => type === 'Attached') ?? assert.fail();
      return `${ancestorRef.name} ${status}/${reason}: ${message}`;
    });
  };
  return { projection, stored, status };
}

function policy(
  name: string,
  targetRefs: readonly JsonObject[],
  backend: JsonObject,
  created = '2026-01-01T00:00:00Z',
): KubernetesObject {
  const made = object('AgentgatewayPolicy', name, { targetRefs, backend });
  return { ...made, metadata: { ...made.metadata, creationTimestamp: created } };
}

function object(kind: string, name: string, spec: JsonObject): KubernetesObject {
  return {
    apiVersion: kind.startsWith('Agentgateway') ? 'agentgateway.dev/v1alpha1' : `${GATEWAY_API}/v1`,
    kind,
    metadata: { name, namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec,
  };
}
