import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PortState } from '@pulseplane/tunnel';
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
  let minute = 0;
  const at = (minutes: number) => new Date(minutes * 60_000);
  const fleet = new Fleet(SILENT, () => at(minute));
  const since = (minutes: number) => ({ since: at(minutes).toISOString() });
  const observe = (hasNews = false) => fleet.observe(GATEWAY, hasNews);
  const resource = { name: 'policy/p', version: 'v', body: new Uint8Array() };
  const response = { typeUrl: 't', version: 'v1', nonce: 'n', resources: [resource], removed: [] };
  minute = 1;
  assert.deepEqual(observe(), { kind: 'no-workers', ...since(0) });

  fleet.opened(ONE);
  minute = 2;
  fleet.opened(stream(2, { id: 'other', role: 'ns~else' }));
  const waiting = {
    kind: 'connected',
    ...since(1),
    workers: 1,
    waiting: ['worker-1'],
    rejections: [],
    portFailures: [],
  };
  assert.deepEqual(observe(), waiting);
  fleet.output(ONE, { kind: 'respond', response });
  fleet.output(ONE, { kind: 'acked', response });
  assert.deepEqual(observe(), { ...waiting, ...since(2), waiting: [] });
  assert.deepEqual(observe(true), { ...waiting, ...since(2) });
  minute = 3;

  fleet.output(ONE, { kind: 'respond', response });
  const rejections = [{ name: 'policy/p', error: 'no such field' }];
  fleet.output(ONE, { kind: 'nacked', response, message: 'text', rejections });
  const refused = { worker: 'worker-1', resource: 'policy/p', message: 'no such field' };
  assert.deepEqual(observe(), { ...waiting, ...since(3), waiting: [], rejections: [refused] });
  fleet.output(ONE, { kind: 'respond', response });
  assert.deepEqual(observe(), { ...waiting, ...since(3) });
  minute = 4;
  fleet.closed(ONE);
  assert.deepEqual(observe(), { kind: 'no-workers', ...since(4) });
});

test('that a worker has come or left, and its answers, are told with their gateway', () => {
  const fleet = new Fleet(SILENT, () => new Date(0));
  const told: string[] = [];
  fleet.onAnswers(({ namespace, name }) => told.push(`${namespace}/${name}`));
  const response = { typeUrl: 't', version: 'v1', nonce: 'n', resources: [], removed: [] };
  fleet.opened(ONE);
  fleet.output(ONE, { kind: 'respond', response });
  assert.deepEqual(told.splice(0), ['ns/gw']);
  fleet.output(ONE, { kind: 'acked', response });
  fleet.output(ONE, { kind: 'nacked', response, message: 'text', rejections: undefined });
  fleet.closed(ONE);
  assert.deepEqual(told, ['ns/gw', 'ns/gw', 'ns/gw']);
});

const REPORTING = stream(1, { ...ONE.node, reportsPorts: true });
const SINCE = new Date(0);
const FAILED = { kind: 'failed', since: SINCE, code: 'EADDRINUSE', address: '127.0.0.1' } as const;
const FAILURE = { worker: 'worker-1', port: 80, code: 'EADDRINUSE', address: '127.0.0.1' };

/** A worker that says how its ports are. */
function reporting(reportWithinMs?: number) {
  const fleet = new Fleet(SILENT, () => new Date(0), { ...(reportWithinMs !== undefined && { reportWithinMs }) });
  let told = 0;
  fleet.onAnswers(() => {
    told += 1;
  });
  const output = (kind: 'respond' | 'acked', nonce: string) =>
    fleet.output(REPORTING, { kind, response: { typeUrl: 't', version: 'v', nonce, resources: [], removed: [] } });
  fleet.opened(REPORTING);
  return {
    fleet,
    output,
    report: (nonce: string, ports: ReadonlyMap<number, PortState>) =>
      fleet.reported(REPORTING.node, { nonce, connections: new Map(), ports }),
    told: () => told,
    observe: () => {
      const observed = fleet.observe(GATEWAY, false);
      return observed.kind === 'connected' ? [observed.waiting.length, observed.portFailures] : undefined;
    },
  };
}

test('a worker that says how its ports are counts as waiting until it has said so of what it acknowledged', () => {
  const { output, report, told, observe } = reporting();
  output('respond', '1');
  output('acked', '1');
  assert.deepEqual(observe(), [1, []]);
  report('', new Map());
  assert.deepEqual(observe(), [1, []]);
  const before = told();
  report('1', new Map([[80, FAILED]]));
  assert.deepEqual(observe(), [0, [FAILURE]]);
  assert.equal(told(), before + 1);
  report('1', new Map([[80, FAILED]]));
  assert.equal(told(), before + 1, 'what is known is not told again');

  output('respond', '2');
  report('2', new Map([[80, { kind: 'listening', since: SINCE }]]));
  assert.deepEqual(observe(), [1, []], 'its ports are known before its answer');
  output('acked', '2');
  assert.deepEqual(observe(), [0, []]);
});

test('a worker whose report does not come is waited for once, until it reports again', async () => {
  const { output, report, told, observe } = reporting(20);
  output('respond', '1');
  output('acked', '1');
  const before = told();
  assert.deepEqual(observe(), [1, []]);
  while (told() === before) await sleep(5);
  assert.deepEqual(observe(), [0, []]);
  output('respond', '2');
  output('acked', '2');
  assert.deepEqual(observe(), [0, []]);
  report('2', new Map([[80, FAILED]]));
  assert.deepEqual(observe(), [0, [FAILURE]]);
  output('respond', '3');
  output('acked', '3');
  assert.deepEqual(observe(), [1, [FAILURE]]);
});
