import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog, type NewEvent, StorageFault } from '@pulseplane/event-log';
import { wrapEventLog } from '@pulseplane/event-log/testing';
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
import { createDiscoveryServer, runAdsClient } from '@pulseplane/xds';
import { Fleet } from './fleet.ts';
import { followLog } from './follow-log.ts';
import { GatewaySnapshots } from './gateway-snapshots.ts';
import { agentgatewayTranslation } from './translation.ts';

const NAME = { namespace: 'ns', name: 'gw' };
const LABELS = { app: 'gw' };

function created(kind: ResourceKind, name: string, spec: JsonObject): NewEvent {
  const labels = kind === GATEWAY ? LABELS : {};
  return {
    id: name,
    type: 'Created',
    subject: { group: kind.group, kind: kind.kind, namespace: kind.namespaced ? 'ns' : '', name, uid: name },
    object: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, namespace: 'ns', labels }, spec },
    actor: { user: 'anonymous', via: 'test' },
    requestId: 'r',
    correlationId: 'r',
    time: '2026-11-22T12:00:00.000Z',
  };
}

const gateway = created(GATEWAY, 'gw', {
  gatewayClassName: 'agentgateway',
  listeners: [{ name: 'l', port: 80, protocol: 'HTTP' }],
});
const tcp = created(AGENTGATEWAY_POLICY, 'tcp', {
  targetRefs: [{ group: GATEWAY.group, kind: 'Gateway', name: 'gw' }],
  frontend: { tcp: { keepalive: { retries: 1 } } },
});
const http = created(AGENTGATEWAY_POLICY, 'http', {
  targetSelectors: [{ group: GATEWAY.group, kind: 'Gateway', matchLabels: LABELS }],
  frontend: { http: { http2KeepaliveInterval: '5s' } },
});
const TCP = 'policy/frontend/ns/tcp:frontend-tcp:ns/gw';
const HTTP = 'policy/frontend/ns/http:frontend-http:ns/gw';

test('while objects cannot be read, workers keep what they have and their streams; then all are told what is', async (context) => {
  const memory = createMemoryEventLog();
  let broken = false;
  const fault = <Value>(value: () => Value): Value => {
    if (broken) throw new StorageFault('corrupt', 'database disk image is malformed');
    return value();
  };
  const log = wrapEventLog(memory, {
    object: (ref) => fault(() => memory.object(ref)),
    each: (filter) => fault(() => memory.each(filter)),
  });
  const errors: string[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (_fields: object, message: string) => errors.push(message),
  };
  const projection = new Projection(log);
  const snapshots = new GatewaySnapshots({
    projection,
    logger,
    translations: [agentgatewayTranslation()],
    retryMs: 20,
  });
  followLog(log, projection, snapshots, logger);
  const write = (event: NewEvent) => log.append({ expected: [], events: [event] });
  await write(created(GATEWAY_CLASS, 'agentgateway', { controllerName: CONTROLLER_NAME }));
  await write(gateway);
  await write(tcp);

  const fleet = new Fleet(logger, () => new Date());
  const workers = () => {
    const observed = fleet.observe(NAME, snapshots.hasNews(NAME));
    return observed.kind === 'connected' ? [observed.workers, observed.waiting.length] : [0, 0];
  };
  const server = createDiscoveryServer({ source: snapshots, observer: fleet, identifier: 'test' });
  context.after(() => server.close());
  const port = await server.listen('127.0.0.1', 0);
  const connect = (id: string) => {
    const held = new Map<string, string>();
    const states: string[] = [];
    const stop = runAdsClient({
      address: `127.0.0.1:${port}`,
      node: { id, role: 'ns~gw' },
      typeUrl: RESOURCE_TYPE_URL,
      random: () => 0,
      onState: ({ kind }) => states.push(kind),
      take: ({ resources, removed }) => {
        for (const { name, version } of resources) held.set(name, version);
        for (const name of removed) held.delete(name);
        return [];
      },
    });
    context.after(stop);
    return { held, states };
  };
  const before = connect('before');
  await until(() => before.held.has(TCP));
  const held = new Map(before.held);

  broken = true;
  assert.equal((await write(http)).kind, 'appended', 'who writes is not told of a reader');
  const meanwhile = connect('meanwhile');
  await until(() => workers()[0] === 2 && errors.length > 1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(before.held, held);
  assert.deepEqual(meanwhile.held, new Map());
  assert.deepEqual(workers(), [2, 2], 'nobody runs the newest');

  broken = false;
  for (const worker of [before, meanwhile]) {
    await until(() => worker.held.has(HTTP));
    assert.equal(worker.held.size, held.size + 1);
    assert.deepEqual(worker.states, ['connected']);
  }
  await until(() => workers()[1] === 0);
  assert.deepEqual(errors, [
    'an event could not be projected: everything is read anew',
    "a gateway's configuration cannot be read: its workers keep what they have",
  ]);
});

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    assert(Date.now() < deadline, 'did not happen within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
