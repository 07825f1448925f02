import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

test('whoever ends npm ends what npm start has started', { timeout: 120_000 }, async () => {
  const options = { dataDir: join(dataDir, 'npm'), ports: await freePorts() };
  const system = await startSystem({ ...options, command: ['npm', 'start', '--'] });
  // It ends when nobody is left that could print.
  await system.interrupt();
  await using again = await startSystem(options);
  assert.match(again.output(), /Pulseplane is running/);
});

test('a data directory that cannot be one, or that another pulse up has: one line, exit code 2', async () => {
  const file = join(dataDir, 'a-file');
  writeFileSync(file, '');
  const refused = await runUp(file, await freePorts());
  assert.equal(refused.code, 2);
  assert.match(refused.output, /^pulse up: --data-dir .*a-file: .*\n$/);

  await using first = await startSystem();
  const second = await runUp(first.dataDir, await freePorts());
  assert.equal(second.code, 2);
  assert.match(second.output, /^pulse up: --data-dir .* is in use by another process\n$/);
});

test('a NATS URL that is none is refused by the control plane, which has it from pulse up', async () => {
  const { code, output } = await runUp(join(dataDir, 'nats'), await freePorts(), ['--nats-url', 'x']);
  assert.equal(code, 2);
  assert.match(output, /pulse up: control-plane refused to start: .*--nats-url: the NATS URL is not like nats:.*\n$/);
});

test('two flags with one port are refused', async () => {
  const ports = await freePorts();
  const { code, output } = await runUp(join(dataDir, 'twice'), { ...ports, http: ports.admin });
  assert.equal(code, 2);
  assert.match(output, /^pulse up: --admin-port and --http-port are both \d+; choose another for one of them\n$/);
});

test('a first start that is refused leaves nothing behind that a second would trip over', async () => {
  const directory = join(dataDir, 'second-try');
  const ports = await freePorts();
  const garbage = join(directory, 'events.db');
  mkdirSync(directory);
  writeFileSync(garbage, 'not a database'.repeat(100));
  const { code, output } = await runUp(directory, ports);
  assert.equal(code, 2);
  assert.match(output, /pulse up: control-plane refused to start: .*events\.db: file is not a database/);
  rmSync(garbage);
  const other = await freePorts();
  await using system = await startSystem({ dataDir: directory, ports: other });
  const answer = await fetch(`http://127.0.0.1:${other.http}/status/200`);
  assert.equal(answer.status, 200, system.output());
});

test('every loopback address works, and every address when asked for, loudly', async () => {
  for (const [address, args] of [
    ['127.0.0.2', []],
    ['::1', []],
    ['0.0.0.0', ['--insecure']],
  ] as const) {
    await using system = await startSystem({ args: ['--address', address, ...args] });
    const { stdout } = bash(`kubectl get gateways -A -o name --kubeconfig ${system.kubeconfig}`);
    assert.equal(stdout, 'gateway.gateway.networking.k8s.io/agentgateway-proxy\n', address);
    assert.equal(/WARNING: INSECURE/.test(system.output()), args.length > 0, address);
  }
});
