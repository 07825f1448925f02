import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GATEWAY, until } from '../testing/world.ts';
import { createConfigurationFile } from './configuration-file.ts';

const FILE = 'worker-httpbin~agentgateway-proxy.conf';

/** A file in a folder of its own, and what it says. */
function setUp(context: { after(done: () => void): void }) {
  const folder = mkdtempSync(join(tmpdir(), 'pulseplane-state-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const stateDir = join(folder, 'state');
  const outcomes: (string | undefined)[] = [];
  const lines: string[] = [];
  const say = (_fields: object, message: string) => void lines.push(message);
  const file = () =>
    createConfigurationFile({
      stateDir,
      gateway: GATEWAY,
      logger: { debug: say, info: say, warn: say, error: say },
      onSaved: (error) => void outcomes.push(error),
      delayMs: 50,
      retryMs: 50,
    });
  return { stateDir, path: join(stateDir, FILE), outcomes, lines, file };
}

function configuration(version: string) {
  const resources = new Map([['bind/a', { version, body: new Uint8Array([1, 2, 3]) }]]);
  return { gateway: GATEWAY, acceptedAt: new Date(1_000), resources };
}

test('many changes are one write of the last, in a file of its owner only, with nothing beside it', async (context) => {
  const { stateDir, path, outcomes, file } = setUp(context);
  const one = file();
  assert.deepEqual(one.load(), { kind: 'none' });
  for (let n = 1; n <= 100; n += 1) one.save(configuration(String(n)));
  await until(() => outcomes.length > 0);
  await one.close();
  assert.deepEqual(outcomes, [undefined]);
  assert.deepEqual(readdirSync(stateDir), [FILE]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(stateDir).mode & 0o777, 0o700);
  const loaded = file().load();
  assert.equal(loaded.kind === 'decoded' && loaded.saved.resources.get('bind/a')?.version, '100');
});

test('closing writes what still waits, after what is being written', async (context) => {
  const { file } = setUp(context);
  const one = file();
  one.save(configuration('1'));
  await sleep(51);
  one.save(configuration('2'));
  await one.close();
  const loaded = file().load();
  assert.equal(loaded.kind === 'decoded' && loaded.saved.resources.get('bind/a')?.version, '2');
});

test('what cannot be saved is said once, tried again, and said when it is over', async (context) => {
  const { stateDir, outcomes, lines, file } = setUp(context);
  writeFileSync(stateDir, 'in its way');
  const one = file();
  one.save(configuration('1'));
  await until(() => outcomes.length >= 3);
  assert.ok(
    outcomes.every((error) => error === 'EEXIST' || error === 'ENOTDIR'),
    String(outcomes),
  );
  assert.equal(lines.filter((line) => line.includes('could not be saved')).length, 1);
  rmSync(stateDir);
  await until(() => outcomes.at(-1) === undefined);
  assert.equal(lines.at(-1), 'the configuration is saved again');
  await one.close();
  assert.equal(file().load().kind, 'decoded');
});

test('a write that fails leaves the former file whole', async (context) => {
  const { path, stateDir, outcomes, file } = setUp(context);
  const one = file();
  one.save(configuration('1'));
  await one.close();
  const draft = `${path}.${process.pid}`;
  const before = statSync(path).ino;
  mkdirSync(draft);
  const two = file();
  two.save(configuration('2'));
  await two.close();
  assert.notEqual(outcomes.at(-1), undefined);
  assert.equal(statSync(path).ino, before);
  rmSync(draft, { recursive: true });
  assert.equal(readdirSync(stateDir).length, 1);
});

test('a file that cannot be read says so', (context) => {
  const { stateDir, path, file } = setUp(context);
  mkdirSync(path, { recursive: true });
  assert.deepEqual(file().load(), { kind: 'unusable', reason: 'it cannot be read: EISDIR' });
  rmSync(path, { recursive: true });
  writeFileSync(path, 'x');
  chmodSync(path, 0);
  // root reads everything.
  const reason = process.getuid?.() === 0 ? 'it is not a configuration of a worker' : 'it cannot be read: EACCES';
  assert.deepEqual(file().load(), { kind: 'unusable', reason });
  assert.equal(readdirSync(stateDir).length, 1);
});
