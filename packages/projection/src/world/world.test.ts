import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import type { KubernetesObject } from '@pulseplane/resources';
import { eventOf } from '../testing/event-of.ts';
import type { ObjectSource } from './object-source.ts';
import { World } from './world.ts';

const TARGET = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw' };
const OBJECTS: readonly KubernetesObject[] = [
  ...['http-1', 'http-2'].map((name) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace: 'ns', labels: { app: 'a' } },
    spec: { parentRefs: [{ name: 'gw' }], rules: [] },
  })),
  ...['policy-1', 'policy-2'].map((name) => ({
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name, namespace: 'ns' },
    spec: { targetRefs: [TARGET], frontend: { tcp: { keepalive: { retries: 1 } } } },
  })),
];

test('an index whose objects could not all be read is not kept, and is whole when they can', async () => {
  const log = createMemoryEventLog();
  await log.append({ expected: [], events: OBJECTS.map((object, index) => eventOf(object, 'Created', `${index}`)) });
  let broken = true;
  const source: ObjectSource = {
    object: (ref) => log.object(ref),
    *each(filter) {
      for (const [index, stored] of [...log.objects(filter)].entries()) {
        if (broken && index === 1) throw new Error('a damaged page');
        yield stored;
      }
    },
  };
  const world = new World(source);
  const gateway = { namespace: 'ns', name: 'gw' };
  const target = { ...TARGET, labels: {} };
  const questions = {
    routes: () => [...world.routes().ofGateway(gateway)].map(({ ref }) => ref.name),
    policies: () => [...world.policies('ns').claimants('frontend.tcp', target, {})].map(({ name }) => name),
    labels: () => world.labels('HTTPRoute', 'ns').select({ app: 'a' }),
  };
  const ask = Object.values(questions);
  for (const question of [...ask, ...ask]) assert.throws(question, /a damaged page/);
  assert.deepEqual([world.builtRoutes(), world.builtPolicies('ns')], [undefined, undefined]);
  broken = false;
  assert.deepEqual(questions.routes(), ['http-1', 'http-2']);
  assert.deepEqual(questions.policies(), ['policy-1', 'policy-2']);
  assert.deepEqual(questions.labels(), ['http-1', 'http-2']);
});
