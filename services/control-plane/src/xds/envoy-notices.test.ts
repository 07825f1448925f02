import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog, type NewEvent } from '@pulseplane/event-log';
import { Projection } from '@pulseplane/projection';
import {
  AGENTGATEWAY_POLICY,
  apiVersionOf,
  CONTROLLER_NAME,
  GATEWAY,
  GATEWAY_CLASS,
  HTTP_ROUTE,
  type JsonObject,
  type ResourceKind,
} from '@pulseplane/resources';
import { EnvoyNotices } from './envoy-notices.ts';
import type { ConnectedWorker } from './fleet.ts';

const DRAINS = /^Gateway ns\/gw: Envoy closes the connections that are open on port 80, 81, .*--drain-time-s/;

function event(type: 'Created' | 'SpecChanged', kind: ResourceKind, name: string, spec: JsonObject): NewEvent {
  return {
    id: `${name}-${JSON.stringify(spec)}`,
    type,
    subject: { group: kind.group, kind: kind.kind, namespace: kind.namespaced ? 'ns' : '', name, uid: name },
    object: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, namespace: 'ns' }, spec },
    actor: { user: 'anonymous', via: 'test' },
    requestId: 'r',
    correlationId: 'r',
    time: '2026-11-22T12:00:00.000Z',
  };
}

function policy(type: 'Created' | 'SpecChanged', frontend: JsonObject): NewEvent {
  const targetRefs = [{ group: GATEWAY.group, kind: 'Gateway', name: 'gw' }];
  return event(type, AGENTGATEWAY_POLICY, 'p', { targetRefs, frontend });
}

/** A gateway with the ports 80 and 81, and workers of it. */
async function served(userAgent: string) {
  const log = createMemoryEventLog();
  const projection = new Projection(log);
  const node = { id: 'edge', role: 'ns~gw', userAgent };
  const gateway = { namespace: 'ns', name: 'gw' };
  const workers: ConnectedWorker[] = [{ node, gateway, peer: 'p', since: new Date(0), configured: true }];
  const notices = new EnvoyNotices(projection, { workers: () => workers });
  log.follow((events) => {
    for (const one of events) notices.committed(one.seq, projection.apply(one));
  });
  const write = async (...events: readonly NewEvent[]) => {
    await log.append({ expected: [], events });
    return notices.of([log.head()]);
  };
  const listeners = [80, 81].map((port) => ({ name: `l${port}`, port, protocol: 'HTTP' }));
  await write(event('Created', GATEWAY_CLASS, 'agentgateway', { controllerName: CONTROLLER_NAME }));
  await write(event('Created', GATEWAY, 'gw', { gatewayClassName: 'agentgateway', listeners }));
  notices.fleetChanged();
  return { log, notices, write, workers };
}

test('who changes a Listener of a connected Envoy is told, once for the change and again for the next', async () => {
  const { write } = await served('envoy 1.40.0');
  for (const [type, retries] of [
    ['Created', 3],
    ['SpecChanged', 4],
  ] as const) {
    const [drains, ...others] = await write(policy(type, { tcp: { keepalive: { retries } } }));
    assert.match(drains ?? '', DRAINS);
    assert.deepEqual(others, []);
  }
  assert.deepEqual(await write(policy('SpecChanged', { tcp: { keepalive: { retries: 4 } } })), []);
});

test('who writes what Envoy cannot be told hears of it', async () => {
  const { write } = await served('envoy 1.40.0');
  const said = await write(policy('Created', { http: { http2FrameSize: 65_536 } }));
  assert.equal(said.length, 1);
  assert.match(said[0] ?? '', /^Gateway ns\/gw on Envoy: policy\/\S+: http2FrameSize cannot be set/);
});

test('who writes a route that Envoy cannot match hears of it each time, and who writes another does not', async () => {
  const { write } = await served('envoy 1.40.0');
  const route = (name: string, value: string, timeout: string) =>
    event('Created', HTTP_ROUTE, name, {
      parentRefs: [{ name: 'gw' }],
      rules: [{ name: timeout, matches: [{ path: { type: 'RegularExpression', value } }] }],
    });
  for (const timeout of ['a', 'b']) {
    const said = await write(route('web', '/a(?=b)', timeout));
    assert.equal(said.length, 2);
    assert.match(said.join(), /on Envoy: route\/ns\/web\S+: Envoy matches with RE2, .*\(\?=/);
  }
  assert.deepEqual(await write(route('other', '/a', 'a')), []);
});

test('a draft is told what it would do, and changes nothing', async () => {
  const { notices, log, write } = await served('envoy 1.40.0');
  const { object, subject } = policy('Created', { tcp: { keepalive: { retries: 3 } } });
  assert.ok(object);
  const { uid: _, ...ref } = subject;
  const draft = { ref, version: log.head() + 1, changedAt: '2026-11-22T12:00:00.000Z', object };
  for (let round = 0; round < 2; round += 1) assert.match(notices.ofDraft(draft)[0] ?? '', DRAINS);
  assert.match((await write(policy('Created', { tcp: { keepalive: { retries: 3 } } })))[0] ?? '', DRAINS);
});

test('without an Envoy nothing drains', async () => {
  const without = await served('pulseplane');
  assert.deepEqual(await without.write(policy('Created', { tcp: { keepalive: { retries: 3 } } })), []);
  const gone = await served('envoy 1.40.0');
  gone.workers.length = 0;
  gone.notices.fleetChanged();
  assert.deepEqual(await gone.write(policy('Created', { tcp: { keepalive: { retries: 3 } } })), []);
});
