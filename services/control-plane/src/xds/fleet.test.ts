import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiscoveryStream, NodeIdentity } from '@pulseplane/xds';
import { Fleet } from './fleet.ts';

const GATEWAY = { namespace: 'ns', name: 'gw' };
const stream = (id: number, node: NodeIdentity): DiscoveryStream => ({
  id,
  node,
  peer: 'peer',
  variant: 'delta',
  only: undefined,
  types: () => new Map(),
});
const ONE = stream(1, { id: 'worker-1', role: 'ns~gw' });
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test('a worker counts as waiting until it has answered the newest, and what it refuses is kept until it is replaced', () => {
  const fleet = new Fleet(SILENT, () => new Date(0));
  const observe = (hasNews = false) => fleet.observe(GATEWAY, hasNews);
  const resource = { name: 'policy/p', version: 'v', body: new Uint8Array() };
  const response = { typeUrl: 't', version: 'v1', nonce: 'n', resources: [resource], removed: [] };
  assert.deepEqual(observe(), { kind: 'no-workers' });

  fleet.opened(ONE);
  fleet.opened(stream(2, { id: 'other', role: 'ns~else' }));
  const waiting = { kind: 'connected', workers: 1, waiting: 1, rejections: [] };
  assert.deepEqual(observe(), waiting);
  fleet.output(ONE, { kind: 'respond', response });
  fleet.output(ONE, { kind: 'acked', response });
  assert.deepEqual(observe(), { ...waiting, waiting: 0 });
  assert.deepEqual(observe(true), waiting);

  fleet.output(ONE, { kind: 'respond', response });
  const rejections = [{ name: 'policy/p', error: 'no such field' }];
  fleet.output(ONE, { kind: 'nacked', response, message: 'text', rejections });
  const refused = { worker: 'worker-1', resource: 'policy/p', message: 'no such field' };
  assert.deepEqual(observe(), { ...waiting, waiting: 0, rejections: [refused] });
  fleet.output(ONE, { kind: 'respond', response });
  assert.deepEqual(observe(), waiting);
  fleet.closed(ONE);
  assert.deepEqual(observe(), { kind: 'no-workers' });
});

test('answers of workers, and that one has left, are told with their gateway', () => {
  const fleet = new Fleet(SILENT, () => new Date(0));
  const told: string[] = [];
  fleet.onAnswers(({ namespace, name }) => told.push(`${namespace}/${name}`));
  const response = { typeUrl: 't', version: 'v1', nonce: 'n', resources: [], removed: [] };
  fleet.opened(ONE);
  fleet.output(ONE, { kind: 'respond', response });
  assert.deepEqual(told, []);
  fleet.output(ONE, { kind: 'acked', response });
  fleet.output(ONE, { kind: 'nacked', response, message: 'text', rejections: undefined });
  fleet.closed(ONE);
  assert.deepEqual(told, ['ns/gw', 'ns/gw', 'ns/gw']);
});
