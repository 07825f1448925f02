import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import { type KubernetesObject, refKey, type StoredObject } from '@pulseplane/resources';
import fc from 'fast-check';
import { effectiveFrontend } from './gateway/effective-frontend.ts';
import type { GatewayResource, Policy } from './gateway/resource.ts';
import { Projection, type Touched, type WorkerObservation } from './index.ts';
import { CLASS, classOf, eventOf, refOfObject } from './testing/event-of.ts';

const GATEWAY = { namespace: 'httpbin', name: 'agentgateway-proxy' };
const OBSERVE = () => ({ kind: 'no-workers' }) as const;

let version = 0;

function stored(object: KubernetesObject, changedAt = '2026-11-22T12:00:00.000Z'): StoredObject {
  version += 1;
  const [group = ''] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : [''];
  const { name, namespace = '' } = object.metadata;
  return { ref: { group, kind: object.kind, namespace, name }, version, changedAt, object };
}

function projectionOf(objects: readonly StoredObject[]): Projection {
  const current = new Map([stored(CLASS), ...objects].map((object) => [refKey(object.ref), object]));
  return new Projection({
    object: (ref) => current.get(refKey(ref)),
    each: ({ group, kind, namespace }) =>
      [...current.values()].filter(
        ({ ref }) => ref.group === group && ref.kind === kind && (namespace ?? ref.namespace) === ref.namespace,
      ),
  });
}

/** A projection that follows a log, and a way to write to it. */
function following() {
  const log = createMemoryEventLog();
  const projection = new Projection(log);
  void log.append({ expected: [], events: [eventOf(CLASS, 'Created', 'class')] });
  const touched: Touched[] = [];
  log.follow((events) => {
    for (const event of events) touched.push(...projection.apply(event));
  });
  const write = async (
    object: KubernetesObject | undefined,
    type: 'Created' | 'SpecChanged' | 'Deleted' = 'Created',
  ): Promise<readonly Touched[]> => {
    assert.ok(object);
    touched.length = 0;
    await log.append({ expected: [], events: [eventOf(object, type, `event-${log.head()}`)] });
    return [...touched];
  };
  return { log, projection, write };
}

function gateway(listeners?: readonly object[], labels = {}): StoredObject {
  return stored({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { ...GATEWAY, labels, generation: 1 },
    spec: {
      gatewayClassName: 'agentgateway',
      listeners: (listeners ?? [
        { name: 'http', protocol: 'HTTP', port: 3000 },
        { name: 'tcp', protocol: 'TCP', port: 3001 },
      ]) as never,
    },
  });
}

const TARGET = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'agentgateway-proxy' };
const TCP_30 = { tcp: { keepalive: { time: '30s', interval: '5s', retries: 3 } } };

function policy(name: string, created: string, spec: object): StoredObject {
  return stored({
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name, namespace: 'httpbin', creationTimestamp: created, generation: 1 },
    spec: { targetRefs: [TARGET], frontend: TCP_30, ...spec } as never,
  });
}

function route(kind: 'HTTPRoute' | 'TCPRoute', name: string, spec: object, namespace = 'httpbin'): StoredObject {
  const backendRefs = [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'upstream' }];
  return stored({
    apiVersion: `gateway.networking.k8s.io/${kind === 'TCPRoute' ? 'v1alpha2' : 'v1'}`,
    kind,
    metadata: { name, namespace, generation: 1 },
    spec: { parentRefs: [{ name: GATEWAY.name, namespace: 'httpbin' }], rules: [{ backendRefs }], ...spec } as never,
  });
}

function backend(): StoredObject {
  return stored({
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayBackend',
    metadata: { name: 'upstream', namespace: 'httpbin', generation: 1 },
    spec: { static: { host: '127.0.0.1', port: 9000 } },
  });
}

function keys(resources: readonly GatewayResource[], kind: GatewayResource['kind']): readonly string[] {
  return resources.filter((resource) => resource.kind === kind).map(({ key }) => key);
}

function policiesOf(projection: Projection): readonly Policy[] {
  return projection.gateway(GATEWAY).filter((resource): resource is Policy => resource.kind === 'policy');
}

type Conditions = {
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
};
type Ancestor = Conditions & { readonly ancestorRef: { readonly kind?: string; readonly name: string } };

function ancestors(projection: Projection, object: StoredObject): readonly Ancestor[] {
  const status = projection.status(object, OBSERVE) as unknown as { readonly ancestors: readonly Ancestor[] };
  return status.ancestors;
}

function attached(projection: Projection, object: StoredObject): readonly string[] {
  return ancestors(projection, object).map(({ ancestorRef, conditions }) => {
    const { status, reason, message } = conditions.find(({ type }) => type === 'Attached') ?? {};
    return `${ancestorRef.name}: ${status}/${reason}: ${message}`;
  });
}

test('a gateway with routes becomes binds, listeners, routes and the backends that they use', () => {
  const projection = projectionOf([gateway(), route('HTTPRoute', 'web', {}), route('TCPRoute', 'raw', {}), backend()]);
  const resources = projection.gateway(GATEWAY);
  assert.deepEqual(keys(resources, 'bind'), ['3000/httpbin/agentgateway-proxy', '3001/httpbin/agentgateway-proxy']);
  assert.deepEqual(keys(resources, 'listener'), ['httpbin/agentgateway-proxy.http', 'httpbin/agentgateway-proxy.tcp']);
  assert.deepEqual(keys(resources, 'route'), ['httpbin/web.00.http:httpbin/agentgateway-proxy.http']);
  assert.deepEqual(keys(resources, 'tcp_route'), ['httpbin/raw.00.tcp:httpbin/agentgateway-proxy.tcp']);
  assert.deepEqual(keys(resources, 'backend'), ['httpbin/upstream']);
});

test('an unknown gateway has no configuration', () => {
  assert.deepEqual(projectionOf([gateway()]).gateway({ namespace: 'httpbin', name: 'other' }), []);
});

test('a listener on a port that an earlier one has with another protocol is left out and says so', () => {
  const conflicted = gateway([
    { name: 'a', protocol: 'HTTP', port: 3000 },
    { name: 'b', protocol: 'TCP', port: 3000 },
  ]);
  const projection = projectionOf([conflicted, route('TCPRoute', 'raw', {}), backend()]);
  const resources = projection.gateway(GATEWAY);
  assert.deepEqual(keys(resources, 'listener'), ['httpbin/agentgateway-proxy.a']);
  assert.deepEqual(keys(resources, 'tcp_route'), []);
  const message = 'Another listener speaks another protocol on port 3000';
  assert.deepEqual(listenerStatus(projection, conflicted), {
    gateway: ['Accepted True/ListenersNotValid: Listeners that are not served: b'],
    a: [
      'HTTPRoute',
      'attached 0',
      'Accepted True/Accepted: Listener is accepted',
      'Conflicted False/NoConflicts: No conflicts',
      'Programmed Unknown/Pending: No worker is connected',
      'ResolvedRefs True/ResolvedRefs: All references are resolved',
    ],
    b: [
      'TCPRoute',
      'attached 0',
      `Accepted False/ProtocolConflict: ${message}`,
      `Conflicted True/ProtocolConflict: ${message}`,
      `Programmed False/Invalid: ${message}`,
      'ResolvedRefs True/ResolvedRefs: All references are resolved',
    ],
  });
});

test('a gateway of before whose protocols are not served has no listener, and is not accepted', () => {
  const old = gateway([{ name: 'a', protocol: 'UDP', port: 443 }]);
  const projection = projectionOf([old]);
  assert.deepEqual(projection.gateway(GATEWAY), []);
  const { gateway: conditions, a } = listenerStatus(projection, old);
  assert.deepEqual(conditions, ['Accepted False/ListenersNotValid: Listeners that are not served: a']);
  assert.deepEqual(a?.slice(0, 3), [
    '',
    'attached 0',
    'Accepted False/UnsupportedProtocol: Protocol UDP is not served',
  ]);
});

test('a listener counts the routes that attached to it, and hears what workers say of it alone', () => {
  const listeners = ['a', 'b'].map((name, index) => ({ name, protocol: 'HTTP', port: 3000 + index }));
  const edge = gateway(listeners);
  const to = (name: string, sectionName?: string) =>
    route('HTTPRoute', name, { parentRefs: [{ name: GATEWAY.name, ...(sectionName && { sectionName }) }] });
  const projection = projectionOf([edge, to('both'), to('one', 'a'), to('none', 'x'), backend()]);
  const rejections = [{ worker: 'w', resource: 'bind/3001/httpbin/agentgateway-proxy', message: 'no' }];
  const status = listenerStatus(projection, edge, {
    kind: 'connected',
    workers: 1,
    waiting: [],
    rejections,
    portFailures: [],
  });
  assert.deepEqual([status['a']?.[1], status['b']?.[1]], ['attached 2', 'attached 1']);
  assert.deepEqual(
    ['a', 'b'].map((name) => status[name]?.find((line) => line.startsWith('Programmed'))),
    [
      'Programmed True/Programmed: Acknowledged by every connected worker (1)',
      'Programmed False/Invalid: Rejected by w: bind/3001/httpbin/agentgateway-proxy: no',
    ],
  );
});

/** What a gateway and each of its listeners say, `Programmed` of the gateway left out. */
function listenerStatus(
  projection: Projection,
  edge: StoredObject,
  observation: WorkerObservation = { kind: 'no-workers' },
): Readonly<Record<string, readonly string[]>> {
  const lines = ({ conditions }: Conditions) =>
    conditions.map(({ type, status, reason, message }) => `${type} ${status}/${reason}: ${message}`);
  const status = projection.status(edge, () => observation) as unknown as Conditions & {
    readonly listeners: readonly (Conditions & {
      readonly name: string;
      readonly supportedKinds: readonly { readonly kind: string }[];
      readonly attachedRoutes: number;
    })[];
  };
  return {
    gateway: lines(status).slice(0, 1),
    ...Object.fromEntries(
      status.listeners.map((one) => [
        one.name,
        [one.supportedKinds.map(({ kind }) => kind).join(), `attached ${one.attachedRoutes}`, ...lines(one)],
      ]),
    ),
  };
}

test('routes attach by listener name, port, protocol, namespace and hostname', () => {
  const listeners = [
    { name: 'a', protocol: 'HTTP', port: 3000, hostname: '*.example.com' },
    { name: 'b', protocol: 'HTTP', port: 3002, allowedRoutes: { namespaces: { from: 'All' } } },
  ];
  const parents = (extra: object) => ({ parentRefs: [{ name: GATEWAY.name, namespace: 'httpbin', ...extra }] });
  const cases: readonly [string, StoredObject, readonly string[]][] = [
    ['all listeners', route('HTTPRoute', 'r', {}), ['a', 'b']],
    ['section', route('HTTPRoute', 'r', parents({ sectionName: 'b' })), ['b']],
    ['port', route('HTTPRoute', 'r', parents({ port: 3000 })), ['a']],
    ['absent section', route('HTTPRoute', 'r', parents({ sectionName: 'c' })), []],
    ['protocol', route('TCPRoute', 'r', {}), []],
    ['namespace', route('HTTPRoute', 'r', {}, 'elsewhere'), ['b']],
    ['hostname', route('HTTPRoute', 'r', { hostnames: ['www.example.com'] }), ['a', 'b']],
    ['other hostname', route('HTTPRoute', 'r', { hostnames: ['example.org'] }), ['b']],
  ];
  for (const [title, object, expected] of cases) {
    const projection = projectionOf([gateway(listeners), object, backend()]);
    const found = projection
      .gateway(GATEWAY)
      .flatMap((resource) =>
        resource.kind === 'route' || resource.kind === 'tcp_route' ? [resource.listenerKey] : [],
      );
    assert.deepEqual(
      found.map((key) => key.split('.').at(-1)),
      expected,
      title,
    );
    const status = projection.status(object, OBSERVE) as unknown as { parents: readonly Conditions[] };
    const accepted = status.parents[0]?.conditions.find(({ type }) => type === 'Accepted');
    assert.equal(accepted?.status, expected.length > 0 ? 'True' : 'False', title);
  }
});

test('a route whose backend is missing or in another namespace says so', () => {
  const reason = (object: StoredObject): string | undefined => {
    const status = projectionOf([gateway(), object]).status(object, OBSERVE) as unknown as {
      parents: readonly Conditions[];
    };
    return status.parents[0]?.conditions.find(({ type }) => type === 'ResolvedRefs')?.reason;
  };
  assert.equal(reason(route('HTTPRoute', 'r', {})), 'BackendNotFound');
  const elsewhere = { rules: [{ backendRefs: [{ name: 'upstream', namespace: 'elsewhere' }] }] };
  assert.equal(reason(route('HTTPRoute', 'r', elsewhere)), 'RefNotPermitted');
});

test('a policy becomes one resource for each section, with durations in milliseconds and sizes in bytes', () => {
  const spec = {
    frontend: {
      ...TCP_30,
      http: { http2KeepaliveInterval: '1m30s', http2WindowSize: '64Ki', http1HeaderCase: 'Preserve' },
    },
  };
  const projection = projectionOf([gateway(), policy('both', '2026-01-01T00:00:00Z', spec)]);
  assert.deepEqual(
    policiesOf(projection).map(({ key, ...policy }) => ({ key, frontend: 'frontend' in policy && policy.frontend })),
    [
      {
        key: 'frontend/httpbin/both:frontend-tcp:httpbin/agentgateway-proxy',
        frontend: { section: 'tcp', keepalive: { timeMs: 30_000, intervalMs: 5000, retries: 3 } },
      },
      {
        key: 'frontend/httpbin/both:frontend-http:httpbin/agentgateway-proxy',
        frontend: {
          section: 'http',
          http: { http1HeaderCase: 'preserve', http2WindowSize: 65_536, http2KeepaliveIntervalMs: 90_000 },
        },
      },
    ],
  );
});

test('at one target the oldest policy wins, then the first by name; the loser is told who won', () => {
  const older = policy('z-older', '2026-01-01T00:00:00Z', {});
  const newer = policy('a-newer', '2026-01-02T00:00:00Z', {});
  const twin = policy('b-newer', '2026-01-02T00:00:00Z', {});
  const projection = projectionOf([gateway(), newer, older, twin]);
  assert.deepEqual(
    policiesOf(projection).map(({ name }) => name.name),
    ['z-older'],
  );
  assert.deepEqual(attached(projection, older), ['agentgateway-proxy: True/Attached: Attached to all targets']);
  assert.deepEqual(attached(projection, newer), [
    'agentgateway-proxy: False/Overridden: frontend.tcp is overridden by AgentgatewayPolicy httpbin/z-older',
  ]);
  assert.deepEqual(
    policiesOf(projectionOf([gateway(), twin, newer])).map(({ name }) => name.name),
    ['a-newer'],
  );
});

const OLD = '2026-01-01T00:00:00Z';
const NEW = '2026-01-02T00:00:00Z';
const PORT = { targetRefs: [{ ...TARGET, port: 3001 }] };
const SELECTED = {
  targetRefs: undefined,
  targetSelectors: [{ group: TARGET.group, kind: 'Gateway', matchLabels: { tier: 'edge' } }],
};
const SELECTED_PORT = { ...SELECTED, targetSelectors: [{ ...SELECTED.targetSelectors[0], port: 3001 }] };

/** On port 3001; `b` and `a` are the names, so that the first by name is never the winner by chance. */
const PRECEDENCE: readonly [title: string, winner: object, winnerAge: string, loser: object, loserAge: string][] = [
  ['a port over its gateway, also when younger', PORT, NEW, {}, OLD],
  ['a selected port over a named gateway', SELECTED_PORT, NEW, {}, OLD],
  ['a port over a selected gateway', PORT, NEW, SELECTED, OLD],
  ['a selected port over a selected gateway', SELECTED_PORT, NEW, SELECTED, OLD],
  ['on a gateway the older', {}, OLD, {}, NEW],
  ['on a port the older', PORT, OLD, PORT, NEW],
  ['the older by name over the younger by labels', {}, OLD, SELECTED, NEW],
  ['the older by labels over the younger by name', SELECTED, OLD, {}, NEW],
  ['on a port the older by labels over the younger by name', SELECTED_PORT, OLD, PORT, NEW],
  ['of two by labels the older', SELECTED, OLD, SELECTED, NEW],
];

for (const [title, winner, winnerAge, loser, loserAge] of PRECEDENCE) {
  test(`precedence: ${title}`, () => {
    const objects = [
      gateway(undefined, { tier: 'edge' }),
      policy('b', winnerAge, winner),
      policy('a', loserAge, loser),
    ];
    for (const order of [objects, objects.toReversed()]) {
      const projection = projectionOf(order);
      const effective = effectiveFrontend(policiesOf(projection), GATEWAY, 3001);
      assert.match(effective.tcp?.policyKey ?? '', /^frontend\/httpbin\/b:/);
      assert.deepEqual(
        projection.overridden(GATEWAY, 3001, 10).map(({ policy: lost, by }) => [lost.name, by.name]),
        [['a', 'b']],
      );
    }
  });
}

test('precedence: of the same age the first by name, whatever selects them', () => {
  const specs = [{}, SELECTED];
  for (const [a, b] of [specs, specs.toReversed(), [{}, {}], [SELECTED, SELECTED], [PORT, SELECTED_PORT]]) {
    const objects = [gateway(undefined, { tier: 'edge' }), policy('b', OLD, b ?? {}), policy('a', OLD, a ?? {})];
    const effective = effectiveFrontend(policiesOf(projectionOf(objects)), GATEWAY, 3001);
    assert.match(effective.tcp?.policyKey ?? '', /^frontend\/httpbin\/a:/);
  }
});

test('sections are decided apart, and a port is another target than its gateway', () => {
  const tcp = policy('tcp', '2026-01-01T00:00:00Z', {});
  const both = policy('both', '2026-01-02T00:00:00Z', { frontend: { ...TCP_30, http: { http1MaxHeaders: 10 } } });
  const port = policy('port', '2026-01-03T00:00:00Z', { targetRefs: [{ ...TARGET, port: 3001 }] });
  const projection = projectionOf([gateway(), tcp, both, port]);
  assert.deepEqual(
    policiesOf(projection)
      .map(({ key }) => key)
      .sort(),
    [
      'frontend/httpbin/both:frontend-http:httpbin/agentgateway-proxy',
      'frontend/httpbin/port:frontend-tcp:httpbin/agentgateway-proxy/port=3001',
      'frontend/httpbin/tcp:frontend-tcp:httpbin/agentgateway-proxy',
    ],
  );
  assert.deepEqual(attached(projection, both), [
    'agentgateway-proxy: True/Merged: frontend.tcp is overridden by AgentgatewayPolicy httpbin/tcp',
  ]);
});

test('targets that cannot be found are reported beside those that can', () => {
  const mixed = policy('mixed', '2026-01-01T00:00:00Z', {
    targetRefs: [TARGET, { ...TARGET, name: 'gone' }, { ...TARGET, port: 99 }],
  });
  const projection = projectionOf([gateway(), mixed]);
  assert.deepEqual(attached(projection, mixed), [
    'agentgateway-proxy: True/Attached: Attached to all targets',
    'StatusSummary: False/Pending: Policy is not attached: Gateway httpbin/gone not found\nPolicy is not attached: port 99 not found in Gateway httpbin/agentgateway-proxy',
  ]);
});

test('a selector takes the gateways of its namespace that have all labels', () => {
  const selector = {
    targetRefs: undefined,
    targetSelectors: [{ group: TARGET.group, kind: 'Gateway', matchLabels: { tier: 'edge' } }],
  };
  const selecting = policy('selecting', '2026-01-01T00:00:00Z', selector);
  assert.deepEqual(attached(projectionOf([gateway(undefined, { tier: 'edge', x: 'y' }), selecting]), selecting), [
    'agentgateway-proxy: True/Attached: Attached to all targets',
  ]);
  assert.deepEqual(attached(projectionOf([gateway(), selecting]), selecting), [
    'StatusSummary: False/Pending: Policy is not attached: no Gateway matching selector found in namespace httpbin',
  ]);
});

test('the order in which objects are written never changes the configuration', () => {
  const objects = [
    gateway(),
    backend(),
    policy('a', '2026-01-02T00:00:00Z', {}),
    policy('b', '2026-01-01T00:00:00Z', {}),
    policy('c', '2026-01-01T00:00:00Z', { targetRefs: [{ ...TARGET, port: 3001 }] }),
    route('HTTPRoute', 'web', {}),
    route('TCPRoute', 'raw', {}),
  ];
  const sorted = (order: readonly StoredObject[]) =>
    [...projectionOf(order).gateway(GATEWAY)].sort((a, b) => (`${a.kind}${a.key}` < `${b.kind}${b.key}` ? -1 : 1));
  fc.assert(
    fc.property(fc.shuffledSubarray(objects, { minLength: objects.length }), (order) => {
      assert.deepEqual(sorted(order), sorted(objects));
    }),
  );
});

test('a deleted policy is gone from the configuration', async () => {
  const { log, projection, write } = following();
  for (const { object } of [gateway(), policy('gone', '2026-01-01T00:00:00Z', {})]) await write(object);
  assert.equal(policiesOf(projection).length, 1);
  await write(log.objects({ kind: 'AgentgatewayPolicy' })[0]?.object, 'Deleted');
  assert.equal(policiesOf(projection).length, 0);
});

test('an event touches the gateways that it reaches, and there the parts that come from what it changed', async () => {
  const { projection, write } = following();
  const written = [gateway(), backend(), route('HTTPRoute', 'web', {}), policy('p', '2026-01-01T00:00:00Z', {})];
  for (const { object } of written) await write(object);
  projection.gateway(GATEWAY);
  const part = (kind: string, group: string, name: string) => ({
    gateway: GATEWAY,
    part: `${group}/${kind}/httpbin/${name}`,
  });
  const ofGateway = part('Gateway', TARGET.group, GATEWAY.name);
  const ofRoute = part('HTTPRoute', TARGET.group, 'web');
  const ofBackend = part('AgentgatewayBackend', 'agentgateway.dev', 'upstream');
  const touchedBy = async (object: StoredObject): Promise<readonly object[]> => {
    const touched = await write(object.object, 'SpecChanged');
    const gateways = touched.map(({ gateway: { namespace, name }, ...rest }) => ({
      gateway: { namespace, name },
      ...rest,
    }));
    return [...new Map(gateways.map((one) => [JSON.stringify(one), one])).values()];
  };
  assert.deepEqual(await touchedBy(gateway()), [{ gateway: GATEWAY }]);
  assert.deepEqual(await touchedBy(backend()), [ofBackend]);
  assert.deepEqual(await touchedBy(policy('p', '2026-01-01T00:00:00Z', {})), [ofGateway]);
  assert.deepEqual(await touchedBy(policy('p', '2026-01-01T00:00:00Z', { targetRefs: [{ ...TARGET, name: 'x' }] })), [
    ofGateway,
    { ...ofGateway, gateway: { ...GATEWAY, name: 'x' }, part: ofGateway.part.replace(GATEWAY.name, 'x') },
  ]);
  // What the route brought may have changed unseen while the gateway had no such route.
  assert.deepEqual(await touchedBy(route('HTTPRoute', 'web', { parentRefs: [] })), [ofRoute, ofBackend]);
  assert.deepEqual(await touchedBy(backend()), []);
  assert.deepEqual(await touchedBy(route('HTTPRoute', 'web', {})), [ofRoute, ofBackend]);
});

test('programmed is what the connected workers say', () => {
  const gatewayObject = gateway();
  const mine = policy('mine', '2026-01-01T00:00:00Z', {});
  const lost = policy('lost', '2026-01-02T00:00:00Z', {});
  const projection = projectionOf([gatewayObject, mine, lost]);
  const programmed = (object: StoredObject, observation: WorkerObservation): string => {
    const status = projection.status(object, () => observation) as unknown as Conditions;
    const { status: value, message } = status.conditions.find(({ type }) => type === 'Programmed') ?? {};
    return `${value}: ${message}`;
  };
  const connected = (waiting: readonly string[], resource?: string): WorkerObservation => {
    const rejections = resource === undefined ? [] : [{ worker: 'w', resource, message: 'bad' }];
    return { kind: 'connected', workers: 5, waiting, rejections, portFailures: [] };
  };
  const ofMine = 'policy/frontend/httpbin/mine:frontend-tcp:httpbin/agentgateway-proxy';
  const cases: readonly [WorkerObservation, ofGateway: string, ofPolicy: string][] = [
    [{ kind: 'no-workers' }, 'Unknown: No worker is connected', 'Unknown: No worker is connected'],
    [connected(['a']), 'False: Waiting for 1 of 5 workers: a', 'False: Waiting for 1 of 5 workers: a'],
    [
      connected(['a', 'b', 'c', 'd', 'e']),
      'False: Waiting for 5 of 5 workers: a, b, c and 2 more',
      'False: Waiting for 5 of 5 workers: a, b, c and 2 more',
    ],
    [
      connected([]),
      'True: Acknowledged by every connected worker (5)',
      'True: Acknowledged by every connected worker (5)',
    ],
    [connected([], ofMine), `False: Rejected by w: ${ofMine}: bad`, `False: Rejected by w: ${ofMine}: bad`],
    [connected([], 'bind/x'), 'False: Rejected by w: bind/x: bad', 'True: Acknowledged by every connected worker (5)'],
  ];
  const rejections = ['w', 'w', 'v'].map((worker) => ({ worker, resource: ofMine, message: 'bad' }));
  const byTwo = { kind: 'connected', workers: 5, waiting: [], rejections, portFailures: [] } as const;
  assert.equal(programmed(mine, byTwo), `False: Rejected by w and 1 more of 5: ${ofMine}: bad`);
  for (const [observation, ofGateway, ofPolicy] of cases) {
    assert.equal(programmed(gatewayObject, observation), ofGateway);
    assert.equal(programmed(mine, observation), ofPolicy);
    assert.equal(programmed(lost, observation), 'False: Policy is overridden on every target');
  }
  const nowhere = policy('nowhere', '2026-01-01T00:00:00Z', { targetRefs: [{ ...TARGET, name: 'gone' }] });
  assert.equal(programmed(nowhere, connected([])), 'False: Policy is not attached');
});

test('a policy on several gateways says where it is not programmed, and shows at most 16 of them', () => {
  const gateways = Array.from({ length: 20 }, (_, index) => {
    const { ref, object, ...rest } = gateway(undefined, { tier: 'edge' });
    const name = `g${String(index).padStart(2, '0')}`;
    return { ...rest, ref: { ...ref, name }, object: { ...object, metadata: { ...object.metadata, name } } };
  });
  const selector = { group: TARGET.group, kind: 'Gateway', matchLabels: { tier: 'edge' } };
  const everywhere = policy('p', '2026-01-01T00:00:00Z', { targetRefs: undefined, targetSelectors: [selector] });
  const status = projectionOf([...gateways, everywhere]).status(everywhere, ({ name }) => ({
    kind: 'connected',
    workers: 1,
    waiting: name === 'g07' ? ['w'] : [],
    rejections: [],
    portFailures: [],
  })) as unknown as Conditions & { readonly ancestors: readonly Ancestor[] };
  assert.equal(status.conditions[0]?.message, 'Gateway httpbin/g07: Waiting for 1 of 1 workers: w');
  assert.equal(status.ancestors.length, 16);
  const last = status.ancestors.at(-1);
  assert.deepEqual(
    [last?.ancestorRef.name, last?.conditions[0]?.type, last?.conditions[0]?.message],
    ['StatusSummary', 'StatusSummarized', '5 AncestorRefs ignored due to max status size'],
  );
});

test('a class is accepted when it names our controller, and left to others otherwise', () => {
  const status = (controllerName: string) => {
    const object = stored(classOf('agentgateway', controllerName));
    return projectionOf([object]).status(object, OBSERVE);
  };
  const accepted = status('agentgateway.dev/agentgateway') as unknown as Conditions;
  assert.deepEqual(
    accepted.conditions.map(({ type, status: value }) => [type, value]),
    [['Accepted', 'True']],
  );
  assert.equal(status('example.com/other'), undefined);
});

test('a route that no listener takes is told what they speak, or that its namespace is not allowed', () => {
  const message = (kind: string, version: string, namespace: string, parentRef: object) => {
    const object = stored({
      apiVersion: `gateway.networking.k8s.io/${version}`,
      kind,
      metadata: { name: 'r', namespace, generation: 1 },
      spec: { parentRefs: [{ name: GATEWAY.name, namespace: GATEWAY.namespace, ...parentRef }], rules: [] },
    });
    const listeners = [
      { name: 'http', port: 80, protocol: 'HTTP' },
      { name: 'tcp', port: 81, protocol: 'TCP' },
    ];
    const { object: base } = gateway();
    const on = stored({ ...base, spec: { ...base.spec, listeners } });
    const status = projectionOf([on, object]).status(object, OBSERVE) as unknown as { parents: Conditions[] };
    return status.parents[0]?.conditions[0]?.message;
  };
  const foreign = 'no listener takes an HTTPRoute from namespace other';
  assert.equal(message('HTTPRoute', 'v1', 'other', {}), foreign);
  assert.equal(message('HTTPRoute', 'v1', 'other', { sectionName: 'http' }), foreign);
  const spoken = 'listener tcp speaks TCP, which takes no HTTPRoute';
  assert.equal(message('HTTPRoute', 'v1', GATEWAY.namespace, { sectionName: 'tcp' }), spoken);
  assert.equal(message('HTTPRoute', 'v1', 'other', { sectionName: 'tcp' }), spoken);
  const all = 'the listeners speak HTTP and TCP, which takes no TLSRoute';
  assert.equal(message('TLSRoute', 'v1alpha2', GATEWAY.namespace, {}), all);
});

type Told = { readonly touched: readonly Touched[]; readonly gateway: readonly GatewayResource[] };

test('a gateway whose class is not ours is sent to nobody and claimed in no status, until it is', async () => {
  const { log, projection, write } = following();
  const classed = gateway().object;
  const named = { ...classed, spec: { ...classed.spec, gatewayClassName: 'edge' } };
  const route = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'r', namespace: 'httpbin' },
    spec: { parentRefs: [{ name: GATEWAY.name }], rules: [] },
  };
  const { object: onGateway } = policy('p', '2026-01-01T00:00:00Z', {});
  for (const object of [named, route, onGateway]) await write(object);
  const status = (object: KubernetesObject) =>
    projection.status(log.object(refOfObject(object)) ?? assert.fail(), OBSERVE) as never;
  const attached = () => {
    const { ancestors } = status(onGateway) as { ancestors: (Conditions & { ancestorRef: { name: string } })[] };
    return ancestors.map(({ ancestorRef, conditions }) => `${ancestorRef.name}: ${conditions[1]?.message}`);
  };
  const parents = () => (status(route) as { parents: Conditions[] }).parents.length;
  const tell = async (object: KubernetesObject, type: 'Created' | 'Deleted' = 'Created'): Promise<Told> => {
    return { touched: await write(object, type), gateway: projection.gateway(GATEWAY) };
  };

  const missing =
    'Policy is not attached: Gateway httpbin/agentgateway-proxy has the class "edge", which does not exist';
  assert.deepEqual([status(named), parents(), attached()], [undefined, 0, [`StatusSummary: ${missing}`]]);
  assert.deepEqual(projection.gateway(GATEWAY), []);

  const foreign = classOf('edge', 'example.com/other');
  assert.deepEqual((await tell(foreign)).gateway, []);
  const another =
    'Policy is not attached: Gateway httpbin/agentgateway-proxy has the class "edge", which is another controller\'s';
  assert.deepEqual([status(named), parents(), attached()], [undefined, 0, [`StatusSummary: ${another}`]]);
  await tell(foreign, 'Deleted');

  const ours = classOf('edge', 'agentgateway.dev/agentgateway');
  const come = await tell(ours);
  assert.ok(come.touched.some(({ gateway, part }) => gateway.name === GATEWAY.name && part === undefined));
  assert.ok(come.gateway.some(({ kind }) => kind === 'bind'));
  assert.deepEqual([parents(), attached()], [1, ['agentgateway-proxy: Attached to all targets']]);

  const gone = await tell(ours, 'Deleted');
  assert.ok(gone.touched.some(({ gateway }) => gateway.name === GATEWAY.name));
  assert.deepEqual([gone.gateway, status(named), parents()], [[], undefined, 0]);
});
