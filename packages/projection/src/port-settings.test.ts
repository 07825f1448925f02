import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import type { KubernetesObject, StoredObject } from '@pulseplane/resources';
import { Projection } from './index.ts';
import { CLASS, eventOf, refOfObject } from './testing/event-of.ts';

const GATEWAY = object('Gateway', 'edge', {
  gatewayClassName: 'agentgateway',
  listeners: [
    { name: 'http', protocol: 'HTTP', port: 80 },
    { name: 'tcp', protocol: 'TCP', port: 81 },
  ],
});

test('the ports of a gateway with the policies in force on them', async () => {
  const { projection, stored } = await projectionOf([GATEWAY, policy('all', {}, 3), policy('port', { port: 81 }, 4)]);
  assert.deepEqual(shown(projection, stored(GATEWAY)), ['80 http all 3', '81 tcp port 4']);
});

test('a draft stands for the policy of its name, loses to older ones, and reaches what it will reach', async () => {
  const { projection, stored, draft } = await projectionOf([GATEWAY, policy('b', {}, 3), policy('d', { port: 81 }, 4)]);
  const gateway = stored(GATEWAY);
  const cases: readonly (readonly [KubernetesObject, readonly string[]])[] = [
    [policy('b', {}, 5), ['80 http b 5', '81 tcp d 4']],
    [policy('a', {}, 5), ['80 http a 5', '81 tcp d 4']],
    [policy('c', {}, 5), ['80 http b 3', '81 tcp d 4']],
    [policy('d', { port: 80 }, 5), ['80 http d 5', '81 tcp b 3']],
    [policy('b', { name: 'none' }, 5), ['80 http - -', '81 tcp d 4']],
  ];
  for (const [written, expected] of cases) assert.deepEqual(shown(projection, gateway, draft(written)), expected);
  assert.deepEqual(
    projection.gatewaysOf(draft(policy('x', { port: 80 }, 1))).map(({ ref }) => ref.name),
    ['edge'],
  );
  assert.deepEqual(projection.gatewaysOf(draft(policy('x', { name: 'none' }, 1))), []);
});

async function projectionOf(objects: readonly KubernetesObject[]) {
  const log = createMemoryEventLog();
  await log.append({
    expected: [],
    events: [CLASS, ...objects].map((one, index) => eventOf(one, 'Created', `e${index}`)),
  });
  const draft = (one: KubernetesObject): StoredObject => ({
    ref: refOfObject(one),
    version: 0,
    changedAt: '2026-01-01T00:00:00Z',
    object: one,
  });
  return {
    projection: new Projection(log),
    stored: (one: KubernetesObject) => log.object(refOfObject(one)) ?? assert.fail('not stored'),
    draft,
  };
}

function shown(projection: Projection, gateway: StoredObject, draft?: StoredObject): readonly string[] {
  return projection
    .portSettings(gateway, draft)
    .map(
      ({ port, protocol, frontend, tcpPolicy }) =>
        `${port} ${protocol} ${tcpPolicy?.ref.name ?? '-'} ${frontend.tcp?.probes ?? '-'}`,
    );
}

function policy(name: string, target: { readonly port?: number; readonly name?: string }, retries: number) {
  return object('AgentgatewayPolicy', name, {
    targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge', ...target }],
    frontend: { tcp: { keepalive: { retries } } },
  });
}

function object(kind: string, name: string, spec: NonNullable<KubernetesObject['spec']>): KubernetesObject {
  return {
    apiVersion: kind === 'Gateway' ? 'gateway.networking.k8s.io/v1' : 'agentgateway.dev/v1alpha1',
    kind,
    metadata: { name, namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec,
  };
}
