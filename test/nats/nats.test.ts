import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NatsServer, whyNoNatsServer } from '@pulseplane/event-log/testing';
import { type ControlPlaneProcess, spawnControlPlane } from '../system/control-plane-process.ts';
import { eventually, freePorts, startSystem } from '../system/running-system.ts';

async function namespace(controlPlane: ControlPlaneProcess, name: string): Promise<number> {
  const { status } = await fetch(`http://127.0.0.1:${controlPlane.restPort}/api/v1/namespaces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
  });
  return status;
}

async function list(controlPlane: ControlPlaneProcess): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${controlPlane.restPort}/api/v1/namespaces`);
  const { items } = (await answer.json()) as { readonly items: readonly { readonly metadata: object }[] };
  return JSON.stringify(items.map(({ metadata }) => metadata));
}

test('a control plane on NATS is killed and goes on; another one with an empty directory comes to the same', {
  skip: whyNoNatsServer() ?? false,
}, async (t) => {
  const nats = await NatsServer.start();
  const directory = mkdtempSync(join(tmpdir(), 'pulseplane-nats-'));
  const running: ControlPlaneProcess[] = [];
  t.after(async () => {
    for (const controlPlane of running) await controlPlane.kill();
    await nats.close();
    rmSync(directory, { recursive: true });
  });
  const start = async (name: string): Promise<ControlPlaneProcess> => {
    const ports = await freePorts();
    const controlPlane = spawnControlPlane({
      dataDir: join(directory, name),
      ports,
      env: { NATS_URL: nats.url },
    });
    running.push(controlPlane);
    await controlPlane.ready();
    return controlPlane;
  };

  const first = await start('a');
  assert.equal(await namespace(first, 'one'), 201);
  await first.kill();
  const again = await start('a');
  assert.equal(await namespace(again, 'two'), 201);
  const other = await start('b');
  assert.equal(await list(other), await list(again));
  assert.equal(await namespace(other, 'two'), 409);

  await nats.stop();
  assert.equal(await namespace(again, 'three'), 503);
  assert.match(await list(again), /"two"/);
  await nats.start();
  await eventually(async () => assert.equal(await namespace(again, 'three'), 201));
  await eventually(async () => assert.equal(await list(other), await list(again)));
  for (const { output } of running) assert(!output().includes('pulse:pulse'), 'the password was printed');
});

test('pulse up with --nats-url keeps the log in the stream, and hands the URL on where ps does not show it', {
  skip: whyNoNatsServer() ?? false,
}, async (t) => {
  const nats = await NatsServer.start();
  t.after(() => nats.close());
  await using system = await startSystem({ args: ['--nats-url', nats.url] });
  assert.deepEqual(
    ['replica.db', 'events.db'].map((file) => existsSync(join(system.dataDir, file))),
    [true, false],
  );
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(system.pid('control-plane'))], { encoding: 'utf8' });
  assert.match(stdout, /--data-dir/);
  assert.doesNotMatch(stdout, /nats/);
});
