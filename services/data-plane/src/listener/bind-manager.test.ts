import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bind } from '@pulseplane/projection/gateway';
import { createLogger } from '@pulseplane/telemetry';
import { freePort } from '../testing/free-port.ts';
import { rawClient, until } from '../testing/world.ts';
import { type BindManager, createBindManager } from './bind-manager.ts';

function manager(): BindManager {
  return createBindManager({
    listenAddress: '127.0.0.1',
    logger: createLogger('test', 'silent'),
    retryMs: 20,
    isRaw: ({ protocol }) => protocol === 'tcp',
    onConnection: (_bind, socket) => void socket.destroy(),
    onStatus: () => undefined,
  });
}

function bindOf(port: number, protocol: Bind['protocol'] = 'tcp'): Bind {
  return { kind: 'bind', key: `${port}/ns/gw`, port, protocol };
}

const isOpen = (port: number): Promise<boolean> =>
  rawClient(port).then(
    ({ socket }) => {
      socket.destroy();
      return true;
    },
    () => false,
  );

test('a port that is taken back at once is not left open', async () => {
  const port = await freePort();
  const binds = manager();
  binds.reconcile([bindOf(port)]);
  binds.reconcile([]);
  await sleep(50);
  assert.equal(await isOpen(port), false);
  binds.reconcile([bindOf(port)]);
  await until(() => isOpen(port));
  await binds.close();
});

test('what the others do leaves a port alone: its server is the same, whatever comes, goes, changes or fails', async () => {
  const squatter = createServer().listen(await freePort(), '127.0.0.1');
  await once(squatter, 'listening');
  const { port: busy } = squatter.address() as { port: number };
  const [kept, other] = [await freePort(), await freePort()];
  const binds = manager();
  binds.reconcile([bindOf(kept)]);
  await until(() => isOpen(kept));
  const since = () => binds.status().flatMap((one) => (one.bind.port === kept && 'since' in one ? [one.since] : []));
  const before = since();
  const stateOf = (port: number) => binds.status().find(({ bind }) => bind.port === port)?.state;
  binds.reconcile([bindOf(busy), bindOf(kept), bindOf(other)]);
  await until(() => stateOf(other) === 'listening' && stateOf(busy) === 'failed');
  binds.reconcile([bindOf(busy), bindOf(other, 'http'), bindOf(kept)]);
  assert.deepEqual(since(), before);
  await new Promise((resolve) => squatter.close(resolve));
  await until(() => stateOf(busy) === 'listening');
  binds.reconcile([bindOf(kept)]);
  assert.deepEqual(since(), before);
  assert.deepEqual([await isOpen(kept), await isOpen(other), await isOpen(busy)], [true, false, false]);
  await binds.close();
  assert.equal(await isOpen(kept), false);
});
