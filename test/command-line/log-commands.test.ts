import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type EventLog, openJetStreamEventLog, openSqliteEventLog } from '@pulseplane/event-log';
import { NatsServer, policyEvent, whyNoNatsServer } from '@pulseplane/event-log/testing';
import { ROOT } from '../system/tools.ts';

const MAIN = join(ROOT, 'services/pulse/dist/main.js');
const skip = whyNoNatsServer() ?? false;

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-log-commands-'));
after(() => rmSync(directory, { recursive: true, force: true }));

let names = 0;
function freshDirectory(): string {
  names += 1;
  const path = join(directory, String(names));
  mkdirSync(path);
  return path;
}

function pulse(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

function refused(problem: string) {
  return { code: 2, stdout: '', stderr: `${problem}\n` };
}

async function append(log: EventLog, ...objects: readonly string[]): Promise<void> {
  for (const name of objects) await log.append({ expected: [], events: [policyEvent(name)] });
}

function events(log: EventLog) {
  return log.read({ from: 1, limit: 100 });
}

/** A replica that is open, with the policies a and b, on a server of its own. */
async function openReplica() {
  const server = await NatsServer.start();
  const dataDir = freshDirectory();
  const open = (file: string) => openJetStreamEventLog({ url: server.url, file });
  const log = await open(join(dataDir, 'replica.db'));
  await append(log, 'a', 'b');
  const close = async () => {
    await log.close();
    await server.close();
  };
  return { dataDir, log, open, close };
}

test('a log in use: verify, backup, restore into a directory that is not there yet, verify', async () => {
  const dataDir = freshDirectory();
  const log = openSqliteEventLog(join(dataDir, 'events.db'));
  await append(log, 'a', 'b');
  const [, last] = events(log);
  const head = `head ${last?.hash}\n`;
  const found = (file: string) => ({
    code: 0,
    stdout: `sound: ${file}: 2 events up to 2, 2 objects\n${head}`,
    stderr: '',
  });
  assert.deepEqual(pulse('verify', '--data-dir', dataDir), found(join(dataDir, 'events.db')));
  const backups = freshDirectory();
  const to = join(backups, 'one.db');
  assert.deepEqual(pulse('backup', '--data-dir', dataDir, '--to', to), found(to));
  assert.deepEqual(pulse('verify', '--file', to), found(to));
  assert.deepEqual(readdirSync(backups), ['one.db'], 'a backup is one file');
  await log.close();
  const elsewhere = join(freshDirectory(), 'new');
  const restored = join(elsewhere, 'events.db');
  assert.deepEqual(pulse('restore', '--from', to, '--data-dir', elsewhere), found(restored));
  assert.deepEqual(
    pulse('restore', '--from', to, '--data-dir', elsewhere),
    refused(`pulse restore: ${restored} exists already; move it away first`),
  );
});

test('what cannot be done is said in one line', async () => {
  const dataDir = freshDirectory();
  const at = ['--data-dir', dataDir];
  const [own, replica] = [join(dataDir, 'events.db'), join(dataDir, 'replica.db')];
  assert.deepEqual(pulse('verify', ...at), refused(`pulse verify: there is neither ${own} nor ${replica}`));
  await openSqliteEventLog(own).close();
  const to = join(dataDir, 'backup.db');
  assert.equal(pulse('backup', ...at, '--to', to).code, 0);
  assert.deepEqual(
    pulse('restore', '--from', to, '--without-stream', '--data-dir', freshDirectory()),
    refused(`pulse restore: --without-stream: ${to} is not a replica of a stream`),
  );
  const nowhere = join(dataDir, 'none');
  assert.deepEqual(
    pulse('backup', ...at, '--to', join(nowhere, 'backup.db')),
    refused(`pulse backup: the directory ${nowhere} does not exist`),
  );
  const file = pulse('restore', '--from', to, '--data-dir', join(to, 'data'));
  assert.deepEqual([file.code, file.stderr.split('\n').length], [2, 2], file.stderr);

  writeFileSync(replica, '');
  for (const verb of ['verify', 'compact'])
    assert.deepEqual(
      pulse(verb, ...at),
      refused(`pulse ${verb}: there are ${own} and ${replica}; choose one with --file`),
    );
  assert.equal(pulse('verify', '--file', own).code, 0);
  assert.deepEqual(pulse('verify', '--file', replica), refused(`pulse verify: ${replica} is not an event log`));
});

test('a WAL that was left behind does not become a part of what is restored', async () => {
  const dataDir = freshDirectory();
  const log = openSqliteEventLog(join(dataDir, 'events.db'));
  await append(log, 'a');
  const to = join(dataDir, 'backup.db');
  assert.equal(pulse('backup', '--data-dir', dataDir, '--to', to).code, 0);
  await log.close();
  const elsewhere = freshDirectory();
  const wal = join(elsewhere, 'events.db-wal');
  writeFileSync(wal, 'left behind');
  assert.deepEqual(
    pulse('restore', '--from', to, '--data-dir', elsewhere),
    refused(`pulse restore: ${wal} exists already; move it away first`),
  );
  assert.equal(existsSync(join(elsewhere, 'events.db')), false);
});

test('a replica in use: verify and backup; restored, it goes on with its stream', { skip }, async () => {
  const { dataDir, log, open, close } = await openReplica();
  try {
    const [, last] = events(log);
    const found = (file: string) => ({
      code: 0,
      stdout: `sound: ${file}: 2 events up to 2, 2 objects\nreplica of the stream PULSEPLANE up to its message 2\nhead ${last?.hash}\n`,
      stderr: '',
    });
    assert.deepEqual(pulse('verify', '--data-dir', dataDir), found(join(dataDir, 'replica.db')));
    const to = join(dataDir, 'backup.db');
    assert.deepEqual(pulse('backup', '--data-dir', dataDir, '--to', to), found(to));
    await append(log, 'c');
    const elsewhere = freshDirectory();
    const restored = join(elsewhere, 'replica.db');
    assert.deepEqual(pulse('restore', '--from', to, '--data-dir', elsewhere), found(restored));
    const again = await open(restored);
    await append(again, 'd');
    const all = events(again);
    await again.close();
    assert.deepEqual(
      all.map(({ subject }) => subject.name),
      ['a', 'b', 'c', 'd'],
    );
    const deadline = Date.now() + 10_000;
    while (log.head() < 4 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(all, events(log));
  } finally {
    await close();
  }
});

test('a replica is not compacted, in use or not', { skip }, async () => {
  const { dataDir, log, open, close } = await openReplica();
  try {
    const file = join(dataDir, 'replica.db');
    const refusal = refused(
      `pulse compact: ${file} is a replica of the stream PULSEPLANE and must stay equal to it, so it cannot be compacted; give its disk more space`,
    );
    const compact = ['compact', '--data-dir', dataDir, '--keep-versions', '1'];
    assert.deepEqual(pulse(...compact), refusal);
    await log.close();
    assert.deepEqual(pulse(...compact), refusal);
    const again = await open(file);
    assert.equal(again.head(), 2);
    await again.close();
  } finally {
    await close();
  }
});

test('a replica whose stream is lost becomes a log of its own when it is told to', { skip }, async () => {
  const { dataDir, log, close } = await openReplica();
  const before = events(log);
  await close();
  const to = join(dataDir, 'backup.db');
  assert.equal(pulse('backup', '--data-dir', dataDir, '--to', to).code, 0);
  const elsewhere = freshDirectory();
  const file = join(elsewhere, 'events.db');
  const { code, stdout } = pulse('restore', '--from', to, '--data-dir', elsewhere, '--without-stream');
  assert.deepEqual([code, stdout], [0, `sound: ${file}: 2 events up to 2, 2 objects\nhead ${before[1]?.hash}\n`]);
  const own = openSqliteEventLog(file);
  assert.deepEqual(events(own), before);
  await append(own, 'c');
  await own.close();
  assert.equal(pulse('compact', '--data-dir', elsewhere).code, 0);
  assert.match(pulse('verify', '--data-dir', elsewhere).stdout, /^sound: .*: 3 events up to 3, 3 objects\nhead /);
});

test('a replica that was written apart from its stream is not sound, and is not restored', { skip }, async () => {
  const { dataDir, close } = await openReplica();
  await close();
  const file = join(dataDir, 'replica.db');
  const apart = openSqliteEventLog(file);
  await append(apart, 'c');
  await apart.close();
  const problem = 'event 3: it did not come from the stream PULSEPLANE, which this file follows';
  const { code, stdout } = pulse('verify', '--data-dir', dataDir);
  assert.equal(code, 1);
  assert.ok(stdout.startsWith(`${problem}\nNOT sound, 1 problems: `), stdout);
  assert.deepEqual(
    pulse('restore', '--from', file, '--data-dir', freshDirectory()),
    refused(`pulse restore: ${file}: ${problem}`),
  );
});
