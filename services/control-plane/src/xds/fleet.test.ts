import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fleet } from './fleet.ts';

const GATEWAY = { namespace: 'ns', name: 'gw' };
const NODE = { id: 'worker-1', role: 'ns~gw' };
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test('a worker counts as waiting until it has answered the newest, and what it refuses is kept until it is replaced', () => {
  const fleet = new Fleet(SILENT, () => new Date(0));
  const observe = (hasNews = false) => fleet.observe(GATEWAY, hasNews);
  const resource = { name: 'policy/p', version: 'v', body: new Uint8Array() };
  const response = { typeUrl: 't', nonce: 'n', resources: [resource], removed: [] };
  assert.deepEqual(observe(), { kind: 'no-workers' });

  fleet.opened(1, NODE, 'peer');
  fleet.opened(2, { id: 'other', role: 'ns~else' }, 'peer');
  const waiting = { kind: 'connected', workers: 1, waiting: 1, rejections: [] };
  assert.deepEqual(observe(), waiting);
  fleet.output(1, NODE, { kind: 'respond', response });
  fleet.output(1, NODE, { kind: 'acked', response });
  assert.deepEqual(observe(), { ...waiting, waiting: 0 });
  assert.deepEqual(observe(true), waiting);

  fleet.output(1, NODE, { kind: 'respond', response });
  const rejections = [{ name: 'policy/p', error: 'no such field' }];
  fleet.output(1, NODE, { kind: 'nacked', response, message: 'text', rejections });
  const refused = { worker: 'worker-1', resource: 'policy/p', message: 'no such field' };
  assert.deepEqual(observe(), { ...waiting, waiting: 0, rejections: [refused] });
  fleet.output(1, NODE, { kind: 'respond', response });
  assert.deepEqual(observe(), waiting);
  fleet.closed(1, NODE);
  assert.deepEqual(observe(), { kind: 'no-workers' });
});

test('answers of workers, and that one has left, are told with their gateway', () => {
  const fleet = new Fleet(SILENT, () => new Date(0));
  const told: string[] = [];
  fleet.onAnswers(({ namespace, name }) => told.push(`${namespace}/${name}`));
  const response = { typeUrl: 't', nonce: 'n', resources: [], removed: [] };
  fleet.opened(1, NODE, 'peer');
  fleet.output(1, NODE, { kind: 'respond', response });
  assert.deepEqual(told, []);
  fleet.output(1, NODE, { kind: 'acked', response });
  fleet.output(1, NODE, { kind: 'nacked', response, message: 'text', rejections: undefined });
  fleet.closed(1, NODE);
  assert.deepEqual(told, ['ns/gw', 'ns/gw', 'ns/gw']);
});
