import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import type { KubernetesObject } from '@pulseplane/resources';
import fc from 'fast-check';
import { explainFrontend } from './gateway/explain-frontend.ts';
import { Projection } from './index.ts';
import { CLASS, eventOf, refOfObject } from './testing/event-of.ts';

const NAME = { namespace: 'a', name: 'g' };
const TARGET = { group: 'gateway.networking.k8s.io', kind: 'Gateway' };
const PROTOCOLS = new Map([
  [80, 'HTTP'],
  [81, 'HTTP'],
  [82, 'TCP'],
]);

/** What of a policy explain can show: all that it sets is set to something. */
const SECTIONS = {
  'frontend.tcp': { tcp: { keepalive: { retries: 3, time: '30s', interval: '5s' } } },
  'frontend.http': { http: { http1MaxHeaders: 3 } },
} as const;
type Section = keyof typeof SECTIONS;
type Written = {
  readonly age: number;
  readonly sections: readonly Section[];
  readonly ports: readonly (number | undefined)[];
  readonly byLabel: boolean;
};

const written: fc.Arbitrary<Written> = fc.record({
  age: fc.integer({ min: 1, max: 3 }),
  sections: fc.subarray<Section>(['frontend.tcp', 'frontend.http'], { minLength: 1 }),
  ports: fc.uniqueArray(fc.constantFrom(undefined, undefined, 80, 81, 82), { minLength: 1, maxLength: 2 }),
  byLabel: fc.boolean(),
});

test('a policy is told to be overridden exactly when explain has it nowhere that it reaches', async () => {
  const told = { overridden: 0, byPorts: 0, other: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.subarray([81, 82]).map((others) => [80, ...others]),
      fc.array(written, { minLength: 1, maxLength: 6 }),
      async (ports, policies) => {
        const log = createMemoryEventLog();
        const objects = policies.map(policyOf);
        const events = [CLASS, gatewayOf(ports), ...objects].map((one, index) => eventOf(one, 'Created', `e${index}`));
        await log.append({ expected: [], events });
        const projection = new Projection(log);
        const sent = projection.gateway(NAME).filter((resource) => resource.kind === 'policy');
        const shown = new Map(
          ports.map((port) => {
            const { tcp, http } = explainFrontend(sent, NAME, port);
            const all = PROTOCOLS.get(port) === 'HTTP' ? [...tcp, ...http] : tcp;
            return [
              port,
              new Set(all.flatMap(({ source }) => (source && 'policy' in source ? source.policy.name.name : []))),
            ];
          }),
        );
        for (const [index, policy] of policies.entries()) {
          const object = objects[index] ?? assert.fail();
          const reached = ports.filter((port) => policy.ports.some((wanted) => (wanted ?? port) === port));
          const places = reached.filter(
            (port) => policy.sections.includes('frontend.tcp') || PROTOCOLS.get(port) === 'HTTP',
          );
          // HTTP settings for TCP ports count nowhere, and nobody overrides them: explain does not show them.
          if (policy.sections.includes('frontend.http') && policy.ports.includes(82)) continue;
          if (places.length === 0) continue;
          const wins = places.some((port) => shown.get(port)?.has(object.metadata.name));
          const attached = attachedOf(projection, log.object(refOfObject(object)) ?? assert.fail());
          assert.equal(attached.reason === 'Overridden', !wins, `${object.metadata.name}: ${attached.message}`);
          if (wins) told.other += 1;
          else told.overridden += 1;
          if (/ on ports? [0-9, ]+( and|;|$)/.test(attached.message)) told.byPorts += 1;
        }
      },
    ),
    { numRuns: 400 },
  );
  for (const count of Object.values(told)) assert.ok(count > 20, JSON.stringify(told));
});

function attachedOf(projection: Projection, stored: Parameters<Projection['status']>[0]) {
  const { ancestors } = projection.status(stored, () => ({ kind: 'no-workers' })) as unknown as {
    readonly ancestors: readonly {
      readonly ancestorRef: { readonly name: string };
      readonly conditions: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
    }[];
  };
  const here = ancestors.find(({ ancestorRef }) => ancestorRef.name === NAME.name);
  return here?.conditions.find(({ type }) => type === 'Attached') ?? assert.fail('the policy reaches the gateway');
}

function gatewayOf(ports: readonly number[]): KubernetesObject {
  const listeners = ports.map((port) => ({ name: `l${port}`, port, protocol: PROTOCOLS.get(port) ?? 'HTTP' }));
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { ...NAME, labels: { app: 'g' } },
    spec: { gatewayClassName: 'agentgateway', listeners },
  };
}

function policyOf({ age, sections, ports, byLabel }: Written, index: number): KubernetesObject {
  const parts = ports.map((port) => (port === undefined ? {} : { port }));
  const targets = byLabel
    ? { targetSelectors: parts.map((part) => ({ ...TARGET, matchLabels: { app: 'g' }, ...part })) }
    : { targetRefs: parts.map((part) => ({ ...TARGET, name: NAME.name, ...part })) };
  return {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { namespace: 'a', name: `p${index}`, creationTimestamp: `2026-01-0${age}T00:00:00Z` },
    spec: { ...targets, frontend: Object.assign({}, ...sections.map((section) => SECTIONS[section])) },
  };
}
