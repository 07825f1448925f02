import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createMemoryEventLog, type NewEvent } from '@pulseplane/event-log';
import { Projection } from '@pulseplane/projection';
import {
  AGENTGATEWAY_POLICY,
  apiVersionOf,
  CONTROLLER_NAME,
  GATEWAY,
  GATEWAY_CLASS,
  type JsonObject,
  type ResourceKind,
} from '@pulseplane/resources';
import { RESOURCE_TYPE_URL } from '@pulseplane/wire';
import { followLog } from './follow-log.ts';
import { GatewaySnapshots } from './gateway-snapshots.ts';
import { agentgatewayTranslation } from './translation.ts';

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function event(kind: ResourceKind, name: string, spec: JsonObject): NewEvent {
  return {
    id: `${name}-${JSON.stringify(spec)}`,
    type: 'Created',
    subject: { group: kind.group, kind: kind.kind, namespace: kind.namespaced ? 'ns' : '', name, uid: name },
    object: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, namespace: 'ns' }, spec },
    actor: { user: 'anonymous', via: 'test' },
    requestId: 'r',
    correlationId: 'r',
    time: '2026-11-22T12:00:00.000Z',
  };
}

function gateway(name: string): NewEvent {
  const listeners = [{ name: 'l', port: 80, protocol: 'HTTP' }];
  return event(GATEWAY, name, { gatewayClassName: 'agentgateway', listeners });
}

function policy(target: string, retries: number): NewEvent {
  return event(AGENTGATEWAY_POLICY, `on-${target}`, {
    targetRefs: [{ group: GATEWAY.group, kind: 'Gateway', name: target }],
    frontend: { tcp: { keepalive: { retries } } },
  });
}

test('only the workers of the gateway that a change reaches are told, and only what differs has other bytes', async () => {
  const log = createMemoryEventLog();
  const projection = new Projection(log);
  const snapshots = new GatewaySnapshots({ projection, logger: SILENT, translations: [agentgatewayTranslation()] });
  followLog(log, projection, snapshots, SILENT);
  const write = (...events: readonly NewEvent[]) => log.append({ expected: [], events });
  await write(event(GATEWAY_CLASS, 'agentgateway', { controllerName: CONTROLLER_NAME }));
  await write(gateway('a'), gateway('b'), policy('a', 1));
  const told: string[] = [];
  const stops = ['ns~a', 'ns~b'].map((role) => snapshots.watch({ id: 'w', role }, () => told.push(role)));
  const resources = (role: string) =>
    snapshots.resources({ id: 'w', role }, RESOURCE_TYPE_URL) ?? new Map<string, never>();
  const a = resources('ns~a');
  const b = resources('ns~b');
  assert.deepEqual([a.size, b.size], [3, 2]);

  await write(policy('a', 2));
  await write(policy('a', 3));
  assert.deepEqual(
    ['a', 'b'].map((name) => snapshots.hasNews({ namespace: 'ns', name })),
    [true, false],
  );
  await nextTurn();
  assert.deepEqual(told, ['ns~a']);
  assert.equal(snapshots.hasNews({ namespace: 'ns', name: 'a' }), false);
  assert.equal(resources('ns~b'), b);
  const changed = [...resources('ns~a')].filter(([name, { version }]) => a.get(name)?.version !== version);
  assert.deepEqual(
    changed.map(([name]) => name),
    ['policy/frontend/ns/on-a:frontend-tcp:ns/a'],
  );

  for (const stop of stops) stop();
  await write(policy('b', 1));
  await nextTurn();
  assert.deepEqual(told, ['ns~a']);
  assert.equal(resources('ns~b').size, 3);
});

test('C54: the first of many changes is told at once, the others together', async (context) => {
  const log = createMemoryEventLog();
  const projection = new Projection(log);
  const snapshots = new GatewaySnapshots({ projection, logger: SILENT, translations: [agentgatewayTranslation()] });
  followLog(log, projection, snapshots, SILENT);
  const gatewayClass = event(GATEWAY_CLASS, 'agentgateway', { controllerName: CONTROLLER_NAME });
  await log.append({ expected: [], events: [gatewayClass, gateway('a')] });
  let told = 0;
  context.after(
    snapshots.watch({ id: 'w', role: 'ns~a' }, () => {
      told += 1;
    }),
  );
  assert.equal(snapshots.resources({ id: 'w', role: 'ns~a' }, RESOURCE_TYPE_URL)?.size, 2);
  await log.append({ expected: [], events: [policy('a', 1)] });
  for (let turns = 0; told === 0 && turns < 3; turns += 1) await nextTurn();
  assert.equal(told, 1, 'at once');
  const startedAt = performance.now();
  for (let writes = 0; writes < 100; writes += 1) {
    await log.append({ expected: [], events: [policy('a', writes)] });
    await nextTurn();
  }
  const tookMs = performance.now() - startedAt;
  assert(told <= 2 + tookMs / 50, `${told} times within ${tookMs} ms`);
  const last = () =>
    snapshots.resources({ id: 'w', role: 'ns~a' }, RESOURCE_TYPE_URL)?.get('policy/frontend/ns/on-a:frontend-tcp:ns/a')
      ?.version;
  const version = last();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(last(), version);
  assert.equal(snapshots.hasNews({ namespace: 'ns', name: 'a' }), false);
});

test('thousands of workers are told in turns of 2 ms, and other work comes between', async () => {
  const log = createMemoryEventLog();
  const projection = new Projection(log);
  const snapshots = new GatewaySnapshots({ projection, logger: SILENT, translations: [agentgatewayTranslation()] });
  followLog(log, projection, snapshots, SILENT);
  const gatewayClass = event(GATEWAY_CLASS, 'agentgateway', { controllerName: CONTROLLER_NAME });
  await log.append({ expected: [], events: [gatewayClass, gateway('a'), gateway('b')] });
  const name = { namespace: 'ns', name: 'a' };
  const told: number[] = [];
  const stops = Array.from({ length: 100 }, (_, index) =>
    snapshots.watch({ id: `w${index}`, role: index < 90 ? 'ns~a' : 'ns~b' }, () => {
      told.push(index);
      // As long as a push would take to a hundred workers.
      const until = performance.now() + 0.5;
      while (performance.now() < until);
    }),
  );
  // What nobody has asked for does not change.
  for (const role of ['ns~a', 'ns~b']) snapshots.resources({ id: 'w', role }, RESOURCE_TYPE_URL);
  const done: string[] = [];
  snapshots.onTold((gateway) => done.push(gateway.name));
  await log.append({ expected: [], events: [policy('a', 1), policy('b', 1)] });
  const turns: number[] = [];
  const reached = async (count: number): Promise<void> => {
    for (let turn = 0; told.length < count; turn += 1) {
      assert(turn < 200, `only ${told.length} were told`);
      const before = told.length;
      await nextTurn();
      turns.push(told.length - before);
      const isOver = told.filter((index) => index < 90).length >= 89;
      assert.equal(snapshots.hasNews(name), !isOver, 'until the last one is told');
    }
  };
  await reached(20);
  // Who leaves meanwhile is not told.
  stops[89]?.();
  await reached(99);
  assert.equal(new Set(told).size, 99);
  assert.equal(told.includes(89), false);
  // 2 ms are four of them, and the one during which they are over.
  assert(Math.max(...turns) <= 5, `turns of ${turns.join()} workers`);
  assert.deepEqual(done, ['a', 'b']);
  for (const stop of stops) stop();
});

test('while the projection loads nothing is told, and then all who watch are', async () => {
  const log = createMemoryEventLog();
  await log.append({
    expected: [],
    events: [event(GATEWAY_CLASS, 'agentgateway', { controllerName: CONTROLLER_NAME }), gateway('g')],
  });
  let isLoading = true;
  const snapshots = new GatewaySnapshots({
    projection: new Projection(log),
    logger: SILENT,
    translations: [agentgatewayTranslation()],
    isLoading: () => isLoading,
  });
  const node = { id: 'w', role: 'ns~g' };
  let told = 0;
  snapshots.watch(node, () => (told += 1));
  assert.equal(snapshots.resources(node, RESOURCE_TYPE_URL), undefined);
  await nextTurn();
  assert.equal(told, 0);
  isLoading = false;
  snapshots.invalidateAll();
  await nextTurn();
  await nextTurn();
  assert.equal(told, 1);
  assert.ok((snapshots.resources(node, RESOURCE_TYPE_URL)?.size ?? 0) > 0);
});
