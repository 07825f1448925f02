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

test('what is loaded in steps is what is there at the end, whatever came between them', async () => {
  const log = createMemoryEventLog();
  const policy = (index: number, target = 'gw', label?: string): KubernetesObject => ({
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name: `p-${String(index).padStart(4, '0')}`, namespace: `ns-${index % 2}` },
    spec: {
      ...(label === undefined
        ? { targetRefs: [{ ...TARGET, name: target }] }
        : { targetSelectors: [{ group: TARGET.group, kind: 'HTTPRoute', matchLabels: { app: label } }] }),
      frontend: { tcp: { keepalive: { retries: 1 } } },
    },
  });
  const route = (index: number, gateway = 'gw'): KubernetesObject => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: `r-${String(index).padStart(4, '0')}`, namespace: 'ns-1', labels: { app: `a-${index % 3}` } },
    spec: { parentRefs: [{ name: gateway }], rules: [] },
  });
  const indexes = Array.from({ length: 900 }, (_, index) => index);
  const [loaded, asked] = [new World(log), new World(log)];
  let id = 0;
  const write = async (object: KubernetesObject, type: 'Created' | 'SpecChanged' | 'Deleted' = 'Created') => {
    id += 1;
    const result = await log.append({ expected: [], events: [eventOf(object, type, `${id}`)] });
    assert.equal(result.kind, 'appended');
    const { metadata, apiVersion, kind } = object;
    const ref = {
      group: apiVersion.split('/')[0] ?? '',
      kind,
      namespace: metadata.namespace ?? '',
      name: metadata.name,
    };
    for (const world of [loaded, asked]) {
      const stored = log.object(ref);
      if (stored === undefined) world.remove(ref);
      else world.put(stored);
    }
  };
  for (const index of indexes) {
    if (index % 10 !== 9) await write(policy(index, 'gw', index === 7 ? 'a-1' : undefined));
    if (index % 10 !== 9) await write(route(index));
  }
  let step = 0;
  for (const _ of loaded.load()) {
    // On both sides of what was read: new, changed, gone.
    for (const index of [step, 898 - step]) {
      await write(policy(index, 'other'), 'SpecChanged');
      await write(route(index, 'other'), 'SpecChanged');
      await write(policy(index + 20), 'Deleted');
      await write(route(index + 20), 'Deleted');
    }
    await write(policy(9 + 10 * step));
    await write(policy(899 - 10 * step));
    await write(route(9 + 10 * step));
    // Who asks between the steps has the whole answer.
    const target = { ...TARGET, labels: {} };
    const inWhole = [...new World(log).policies('ns-1').claimants('frontend.tcp', target, {})];
    if (step === 1) {
      assert.equal(loaded.builtPolicies('ns-1'), undefined);
      assert.deepEqual(
        [...asked.policies('ns-1').claimants('frontend.tcp', target, {})].map(({ name }) => name),
        inWhole.map(({ name }) => name),
      );
    }
    step += 1;
  }
  assert.ok(step > 6, `${step} steps`);
  const answers = (world: World): object => ({
    policies: ['ns-0', 'ns-1'].flatMap((namespace) =>
      ['gw', 'other'].map((name) =>
        [...world.policies(namespace).claimants('frontend.tcp', { ...TARGET, name, labels: {} }, {})].map(
          (rank) => rank.name,
        ),
      ),
    ),
    routes: ['gw', 'other'].map((name) =>
      [...world.routes().ofGateway({ namespace: 'ns-1', name })].map(({ ref }) => ref.name),
    ),
    labels: ['a-0', 'a-1'].map((app) => world.labels('HTTPRoute', 'ns-1').select({ app })),
  });
  assert.notEqual(loaded.builtPolicies('ns-1'), undefined);
  assert.notEqual(loaded.builtRoutes(), undefined);
  assert.deepEqual(answers(loaded), answers(new World(log)));
  assert.deepEqual(answers(asked), answers(new World(log)));
});
