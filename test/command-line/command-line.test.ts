import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePorts, runUp, startSystem } from '../system/running-system.ts';
import { bash } from '../system/tools.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-command-line-'));
after(() => rmSync(dataDir, { recursive: true, force: true }));

test('a busy port: one line that names it and the flag, exit code 2, nothing left running', async () => {
  const ports = await freePorts();
  const server = createServer().listen(ports.rest, '127.0.0.1');
  const { code, output } = await runUp(dataDir, ports);
  server.close();
  assert.equal(code, 2);
  assert.equal(
    output,
    `pulse up: port ${ports.rest} on 127.0.0.1 is in use by another program; choose another with --rest-port\n`,
  );
});

test('wrong settings: all of them in one line, exit code 2', async () => {
  const ports = await freePorts();
  const { code, output } = await runUp(dataDir, ports, ['--rest-port', '99999', '--log-level', 'loud']);
  assert.equal(code, 2);
  assert.match(output, /^pulse up: .*"99999" is not a port.*; .*"loud" is not one of.*\n$/);
});

test('another address than loopback needs --insecure', async () => {
  const { code, output } = await runUp(dataDir, await freePorts(), ['--address', '0.0.0.0']);
  assert.equal(code, 2);
  assert.match(output, /^pulse up: address: 0\.0\.0\.0 is not a loopback address; .*--insecure\n$/);
});

test('each program refuses another address than loopback by itself', () => {
  for (const [program, flag] of [
    ['control-plane', '--rest-address'],
    ['data-plane', '--listen-address'],
    ['demo-upstream', '--address'],
  ]) {
    const { code, stderr } = bash(`node services/${program}/dist/main.js ${flag} 0.0.0.0`);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /--insecure\n$/);
  }
});

test('Ctrl-C stops everything cleanly, and the ports are free again', async () => {
  const ports = await freePorts();
  const system = await startSystem({ dataDir: join(dataDir, 'clean'), ports });
  assert.equal(statSync(system.kubeconfig).mode & 0o777, 0o600);
  assert.equal(await system.interrupt(), 0);
  await using again = await startSystem({ dataDir: join(dataDir, 'clean'), ports });
  assert.match(again.output(), /Pulseplane is running/);
});
