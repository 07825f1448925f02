import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import type { KubernetesObject } from '@pulseplane/resources';
import fc from 'fast-check';
import { backendPaths } from './gateway/backend-paths.ts';
import { indexBackendPolicies, winningSection } from './gateway/effective-backend.ts';
import { winningPolicies } from './gateway/effective-frontend.ts';
import type { GatewayResource, Policy } from './gateway/resource.ts';
import type { GatewayParts } from './gateway-projection.ts';
import { Projection, type Touched } from './index.ts';
import { classOf, eventOf, refOfObject } from './testing/event-of.ts';

/** Small on purpose, so that objects meet: two namespaces, two gateways in each, labels with two values. */
const NAMESPACES = ['a', 'b'] as const;
const GATEWAYS = NAMESPACES.flatMap((namespace) => ['g1', 'g2'].map((name) => ({ namespace, name })));
const GATEWAY_API = 'gateway.networking.k8s.io';

const namespace = fc.constantFrom(...NAMESPACES);
const labels = fc.constantFrom({}, { tier: 'edge' }, { tier: 'core' }, { tier: 'edge', zone: 'x' });
const port = fc.constantFrom(80, 81, 82);
const backendRefs = fc.array(
  fc.record({
    group: fc.constant('agentgateway.dev'),
    kind: fc.constant('AgentgatewayBackend'),
    name: fc.constantFrom('up1', 'up2'),
    namespace,
  }),
  { minLength: 1, maxLength: 2 },
);
const parentRefs = fc.array(fc.record({ name: fc.constantFrom('g1', 'g2'), namespace }), { maxLength: 2 });

function objects(kind: string, apiVersion: string, names: readonly string[], spec: fc.Arbitrary<object>) {
  return fc
    .record({ name: fc.constantFrom(...names), namespace, labels, spec, age: fc.constantFrom('1', '2') })
    .map(({ spec, age, ...metadata }) => ({
      apiVersion,
      kind,
      metadata: { ...metadata, creationTimestamp: `2026-01-0${age}T00:00:00Z`, generation: 1 },
      spec,
    })) as fc.Arbitrary<KubernetesObject>;
}

const gateways = objects(
  'Gateway',
  `${GATEWAY_API}/v1`,
  ['g1', 'g2'],
  fc
    .record({
      ports: fc.uniqueArray(port, { minLength: 1, maxLength: 3 }),
      gatewayClassName: fc.constantFrom('c1', 'c1', 'c1', 'c2'),
    })
    .map(({ ports, gatewayClassName }) => ({
      gatewayClassName,
      listeners: ports.map((number) => ({
        name: `l${number}`,
        protocol: number === 82 ? 'TCP' : 'HTTP',
        port: number,
        allowedRoutes: { namespaces: { from: number === 80 ? 'Same' : 'All' } },
      })),
    })),
);

const frontend = fc
  .record(
    {
      tcp: fc.record({ keepalive: fc.record({ retries: fc.integer({ min: 1, max: 4 }) }) }),
      http: fc.record({ http1MaxHeaders: fc.integer({ min: 1, max: 4 }) }),
    },
    { requiredKeys: [] },
  )
  .filter((sections) => Object.keys(sections).length > 0);
const onGateway = fc.constant({ group: GATEWAY_API, kind: 'Gateway' });
const onPort = fc.option(
  port.map((number) => ({ port: number })),
  { nil: {} },
);
const named = fc.record({ kind: onGateway, name: fc.constantFrom('g1', 'g2'), part: onPort });
const selected = fc.record({ kind: onGateway, matchLabels: labels, part: onPort });
const policies = objects(
  'AgentgatewayPolicy',
  'agentgateway.dev/v1alpha1',
  ['p1', 'p2', 'p3', 'p4'],
  fc.oneof(
    fc.record({
      targetRefs: fc.array(
        named.map(({ kind, part, ...target }) => ({ ...kind, ...target, ...part })),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      frontend,
    }),
    fc.record({
      targetSelectors: fc.array(
        selected.map(({ kind, part, ...target }) => ({ ...kind, ...target, ...part })),
        {
          minLength: 1,
          maxLength: 2,
        },
      ),
      frontend,
    }),
  ),
);
const keepalive = fc.record({ retries: fc.integer({ min: 1, max: 4 }) });
const backend = fc
  .record(
    {
      tcp: fc.record({ keepalive, connectTimeout: fc.constantFrom('1s', '2s') }, { requiredKeys: [] }),
      http: fc.record({ requestTimeout: fc.constantFrom('1s', '2s'), version: fc.constantFrom('HTTP1', 'HTTP2') }),
    },
    { requiredKeys: [] },
  )
  .filter((sections) => Object.keys(sections).length > 0);
const upstreamTarget = fc.constantFrom(
  { kind: { group: GATEWAY_API, kind: 'Gateway' }, names: ['g1', 'g2'], sections: ['l80', 'l81'] },
  { kind: { group: GATEWAY_API, kind: 'HTTPRoute' }, names: ['r1', 'r2'], sections: ['rule', 'none'] },
  { kind: { group: 'agentgateway.dev', kind: 'AgentgatewayBackend' }, names: ['up1', 'up2'], sections: ['none'] },
);
const backendPolicies = objects(
  'AgentgatewayPolicy',
  'agentgateway.dev/v1alpha1',
  ['p1', 'p2', 'p3', 'p4'],
  upstreamTarget.chain(({ kind, names, sections }) => {
    const part = fc.option(
      fc.constantFrom(...sections).map((sectionName) => ({ sectionName })),
      { nil: {} },
    );
    const named = fc
      .record({ name: fc.constantFrom(...names), part })
      .map(({ name, part }) => ({ ...kind, name, ...part }));
    const selected = fc
      .record({ matchLabels: labels, part })
      .map(({ matchLabels, part }) => ({ ...kind, matchLabels, ...part }));
    return fc.oneof(
      fc.record({ targetRefs: fc.array(named, { minLength: 1, maxLength: 3 }), backend }),
      fc.record({ targetSelectors: fc.array(selected, { minLength: 1, maxLength: 2 }), backend }),
    );
  }),
);
const httpRoutes = objects(
  'HTTPRoute',
  `${GATEWAY_API}/v1`,
  ['r1', 'r2'],
  fc.record({ parentRefs, rules: backendRefs.map((refs) => [{ name: 'rule', backendRefs: refs }]) }),
);
const tcpRoutes = objects(
  'TCPRoute',
  `${GATEWAY_API}/v1alpha2`,
  ['r1', 'r2'],
  fc.record({ parentRefs, rules: backendRefs.map((refs) => [{ backendRefs: refs }]) }),
);
const backends = objects(
  'AgentgatewayBackend',
  'agentgateway.dev/v1alpha1',
  ['up1', 'up2'],
  fc.record({
    static: port.map((number) => ({ host: 'localhost', port: number })),
    policies: fc.option(backend, { nil: {} }),
  }),
);
const classes = fc
  .record({
    name: fc.constantFrom('c1', 'c2'),
    controllerName: fc.constantFrom('agentgateway.dev/agentgateway', 'example.com/other'),
  })
  .map(({ name, controllerName }) => classOf(name, controllerName));
const OURS = classOf('c1', 'agentgateway.dev/agentgateway');
const anyObject = fc.oneof(
  gateways,
  classes,
  { arbitrary: policies, weight: 3 },
  { arbitrary: backendPolicies, weight: 3 },
  httpRoutes,
  tcpRoutes,
  backends,
);
const step = fc.record({ object: anyObject, isDeleted: fc.boolean(), asks: fc.constantFrom(...GATEWAYS) });

test('following the events gives at every step what a projection of the same objects from zero gives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
      const log = createMemoryEventLog();
      await log.append({ expected: [], events: [eventOf(OURS, 'Created', 'class')] });
      const followed = new Projection(log);
      const parts = new Map(GATEWAYS.map((gateway) => [keyOf(gateway), new Map<string, readonly GatewayResource[]>()]));
      const forget = ({ gateway, part }: Touched): void => {
        if (part === undefined) parts.get(keyOf(gateway))?.clear();
        else parts.get(keyOf(gateway))?.delete(part);
      };
      log.follow((events) => {
        for (const event of events) for (const touched of followed.apply(event)) forget(touched);
      });
      const check = (gateway: (typeof GATEWAYS)[number]): void => {
        const kept = parts.get(keyOf(gateway)) ?? new Map();
        const current = followed.gatewayParts(gateway, kept);
        parts.set(keyOf(gateway), new Map(current));
        assert.deepEqual(current, new Projection(log).gatewayParts(gateway, new Map()));
        assert.deepEqual([...current.values()].flat(), new Projection(log).gateway(gateway));
        const served = [...current.values()].flat().flatMap((one) => (one.kind === 'bind' ? [one.port] : []));
        for (const number of [80, 81, 82]) {
          const overridden = followed.overridden(gateway, number, 100);
          assert.deepEqual(overridden, new Projection(log).overridden(gateway, number, 100));
          // Policies for a port that the gateway does not serve are not sent.
          if (!served.includes(number)) continue;
          const winners = winningPolicies(policiesOf(current), gateway, number);
          for (const { section, by } of overridden) {
            assert.equal(winners[section === 'frontend.tcp' ? 'tcp' : 'http']?.name.name, by.name);
          }
        }
        const index = indexBackendPolicies(policiesOf(current));
        for (const path of backendPaths([...current.values()].flat())) {
          const overridden = followed.overriddenOnPath(path, 100);
          assert.deepEqual(overridden, new Projection(log).overriddenOnPath(path, 100));
          for (const { section, by } of overridden) {
            const winner = winningSection(index, path, section === 'backend.tcp' ? 'tcp' : 'http')?.source;
            assert.ok(winner);
            assert.equal('policy' in winner ? winner.policy.name.name : winner.backend.name, by.name);
            assert.equal('backend' in winner, by.kind === 'AgentgatewayBackend');
          }
        }
        for (const stored of log.objects({})) {
          const observe = () => ({ kind: 'no-workers' }) as const;
          assert.deepEqual(followed.status(stored, observe), new Projection(log).status(stored, observe));
        }
      };
      for (const [index, { object, isDeleted, asks }] of steps.entries()) {
        const exists = log.object(refOfObject(object)) !== undefined;
        if (isDeleted && !exists) continue;
        const type = isDeleted ? 'Deleted' : exists ? 'SpecChanged' : 'Created';
        await log.append({ expected: [], events: [eventOf(object, type, String(index))] });
        check(asks);
      }
      for (const gateway of GATEWAYS) check(gateway);
    }),
    { numRuns: 300 },
  );
});

test('a preview answers as a projection of the objects and drafts would, names all that differs, and leaves no trace', async () => {
  const key = (object: KubernetesObject): string => JSON.stringify(refOfObject(object));
  const sets = fc.uniqueArray(anyObject, { selector: key, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sets, sets, fc.subarray(GATEWAYS), async (present, given, asked) => {
      const log = createMemoryEventLog();
      const expected = createMemoryEventLog();
      const usual = present.some(({ kind }) => kind === 'GatewayClass') ? [] : [OURS];
      for (const [index, object] of [...usual, ...present].entries()) {
        for (const one of [log, expected]) {
          await one.append({ expected: [], events: [eventOf(object, 'Created', String(index))] });
        }
      }
      for (const [index, object] of given.entries()) {
        await expected.append({ expected: [], events: [eventOf(object, 'SpecChanged', `draft ${index}`)] });
      }
      const projection = new Projection(log);
      // Some indexes are there before, others are made meanwhile.
      for (const gateway of asked) projection.gateway(gateway);
      const drafts = given.flatMap((object) => expected.object(refOfObject(object)) ?? []);
      projection.preview(drafts, (touched) => {
        for (const gateway of GATEWAYS) {
          const parts = new Map(new Projection(log).gatewayParts(gateway, new Map()));
          for (const one of touched.filter(({ gateway: named }) => keyOf(named) === keyOf(gateway))) {
            if (one.part === undefined) parts.clear();
            else parts.delete(one.part);
          }
          const then = new Projection(expected).gatewayParts(gateway, new Map());
          assert.deepEqual(projection.gatewayParts(gateway, new Map()), then);
          assert.deepEqual(projection.gatewayParts(gateway, parts), then);
        }
      });
      for (const gateway of GATEWAYS)
        assert.deepEqual(projection.gateway(gateway), new Projection(log).gateway(gateway));
      for (const stored of log.objects({})) {
        const observe = () => ({ kind: 'no-workers' }) as const;
        assert.deepEqual(projection.status(stored, observe), new Projection(log).status(stored, observe));
      }
      // What follows later follows as if there had been no preview.
      log.follow((events) => events.map((event) => projection.apply(event)));
      for (const [index, object] of given.entries()) {
        await log.append({ expected: [], events: [eventOf(object, 'SpecChanged', `later ${index}`)] });
      }
      for (const gateway of GATEWAYS)
        assert.deepEqual(projection.gateway(gateway), new Projection(log).gateway(gateway));
    }),
    { numRuns: 300 },
  );
});

test('the order of writes never changes what follows from the same objects', async () => {
  const key = (object: KubernetesObject): string => JSON.stringify(refOfObject(object));
  const sets = fc.uniqueArray(anyObject, { selector: key, minLength: 2, maxLength: 15 });
  const pair = sets.chain((set) => fc.tuple(fc.constant(set), fc.shuffledSubarray(set, { minLength: set.length })));
  await fc.assert(
    fc.asyncProperty(pair, async ([one, other]) => {
      const [a, b] = await Promise.all(
        [one, other].map(async (order) => {
          const log = createMemoryEventLog();
          const projection = new Projection(log);
          log.follow((events) => events.map((event) => projection.apply(event)));
          for (const [index, object] of order.entries()) {
            await log.append({ expected: [], events: [eventOf(object, 'Created', String(index))] });
            // Asked in between, so that indexes are there and have to follow.
            for (const gateway of GATEWAYS) projection.gateway(gateway);
          }
          const statuses = log.objects({}).map((stored) => projection.status(stored, () => ({ kind: 'no-workers' })));
          return { statuses, gateways: GATEWAYS.map((gateway) => projection.gateway(gateway)) };
        }),
      );
      assert.deepEqual(a, b);
    }),
    { numRuns: 200 },
  );
});

function policiesOf(parts: GatewayParts): readonly Policy[] {
  return [...parts.values()].flat().filter((resource): resource is Policy => resource.kind === 'policy');
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
