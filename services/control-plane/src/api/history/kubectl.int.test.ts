import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createFixture, MERGE, POLICIES, POLICY, TCP_POLICY } from '../testing/api-fixture.ts';

const missing = spawnSync('kubectl', ['version', '--client'], { env: { ...process.env, HOME: tmpdir() } }).error;
const skip = missing === undefined ? false : 'kubectl is not on the PATH';

test('the real kubectl reads history and past, and rolls back', { skip }, async () => {
  const { app, send } = await createFixture();
  const home = await mkdtemp(join(tmpdir(), 'pulseplane-kubectl-'));
  try {
    await send('POST', POLICIES, TCP_POLICY);
    const change = { spec: { frontend: { tcp: { keepalive: { time: '60s' } } } } };
    await send('PATCH', POLICY, change, { 'content-type': MERGE });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const server = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    const env = { PATH: process.env['PATH'], HOME: home, KUBECACHEDIR: join(home, 'cache') };
    const kubectl = async (...args: readonly string[]) =>
      (await promisify(execFile)('kubectl', ['-s', server, ...args], { env })).stdout;

    const history = JSON.parse(await kubectl('get', '--raw', `${POLICY}/history?limit=1`));
    assert.deepEqual(history.items[0].diff, ['spec.frontend.tcp.keepalive.time: 30s -> 60s']);
    assert.equal(history.metadata.continue, '4');
    const past = JSON.parse(await kubectl('get', '--raw', `${POLICY}?at=3`));
    assert.equal(past.spec.frontend.tcp.keepalive.time, '30s');
    await assert.rejects(kubectl('get', '--raw', `${POLICY}?at=9`), /at: Invalid value: 9: must be from 1 to 4/);

    const body = join(home, 'rollback.json');
    await writeFile(body, '{"to": 3}');
    const rolled = JSON.parse(await kubectl('create', '--raw', `${POLICY}/rollback`, '-f', body));
    assert.equal(rolled.spec.frontend.tcp.keepalive.time, '30s');
    await kubectl('delete', 'agentgatewaypolicy', 'httpbin-keepalive', '-n', 'httpbin');
    await writeFile(body, '{}');
    const back = JSON.parse(await kubectl('create', '--raw', `${POLICY}/undelete`, '-f', body));
    assert.equal(back.metadata.generation, 1);
    assert.match(await kubectl('explain', 'agentgatewaypolicy.spec.frontend.tcp.keepalive'), /retries/);
  } finally {
    await app.close();
    await rm(home, { recursive: true, force: true });
  }
});
