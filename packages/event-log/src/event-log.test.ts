import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createMemoryEventLog, openSqliteEventLog, verifyLogFile } from './index.ts';
import { Database } from './sqlite/driver.ts';
import { eventLogContract, policyEvent, policyRef } from './testing/event-log-contract.ts';

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-event-log-'));
after(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function freshFile(): string {
  files += 1;
  return join(directory, `log-${files}.db`);
}

eventLogContract({ name: 'memory', open: createMemoryEventLog });
eventLogContract({ name: 'sqlite', open: () => openSqliteEventLog(freshFile()) });

test('a reopened file has the same events, objects and head, and goes on with the chain', async () => {
  const file = freshFile();
  const first = openSqliteEventLog(file);
  await first.append({ expected: [], events: [policyEvent('a'), policyEvent('b')] });
  const before = first.read({ from: 1, limit: 10 });
  await first.close();

  const second = openSqliteEventLog(file);
  assert.deepEqual(second.read({ from: 1, limit: 10 }), before);
  assert.equal(second.head(), 2);
  assert.equal(second.object(policyRef('b'))?.version, 2);
  await second.append({ expected: [], events: [policyEvent('c')] });
  assert.equal(second.read({ from: 3, limit: 1 })[0]?.prevHash, before[1]?.hash);
  await second.close();
});

test('the file is in WAL mode, and rows of the log cannot be changed or deleted', async () => {
  const file = freshFile();
  const log = openSqliteEventLog(file);
  await log.append({ expected: [], events: [policyEvent('a')] });
  const db = new Database(file);
  assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
  assert.throws(() => db.exec("UPDATE events SET actor_user = 'mallory'"), /append-only/);
  assert.throws(() => db.exec('DELETE FROM events'), /append-only/);
  db.close();
  await log.close();
});

test('an event that cannot be stored leaves neither event nor object behind', async () => {
  const log = openSqliteEventLog(freshFile());
  await log.append({ expected: [], events: [policyEvent('a')] });
  const unstorable = policyEvent('c', 'Created', { number: 1n });
  await assert.rejects(log.append({ expected: [], events: [policyEvent('b'), unstorable] }), /BigInt/);
  assert.equal(log.head(), 1);
  assert.equal(log.object(policyRef('b')), undefined);
  const next = await log.append({ expected: [], events: [policyEvent('c')] });
  assert(next.kind === 'appended');
  assert.equal(next.events[0]?.seq, 2);
  await log.close();
});

test('a file of a newer version is refused', async () => {
  const file = freshFile();
  await openSqliteEventLog(file).close();
  const db = new Database(file);
  db.pragma('user_version = 99');
  db.close();
  assert.throws(() => openSqliteEventLog(file), /newer version/);
});

test('a command that cannot be stored does not take those of its turn with it', async () => {
  const log = openSqliteEventLog(freshFile());
  await log.append({ expected: [], events: [policyEvent('a')] });
  const results = await Promise.allSettled([
    log.append({ expected: [], events: [policyEvent('b')] }),
    log.append({ expected: [], events: [policyEvent('d', 'Created', { number: 1n })] }),
    log.append({ expected: [], events: [policyEvent('c')] }),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal(log.head(), 3);
  await log.close();
});

test('a second control plane on the same file is refused, and gets it when the first is gone', async () => {
  const file = freshFile();
  const log = openSqliteEventLog(file);
  assert.throws(() => openSqliteEventLog(file), {
    name: 'StorageFault',
    message: `${file} is in use by another process`,
  });
  await log.close();
  await openSqliteEventLog(file).close();
});

test('a file written by schema version 1 is read, upcast, and written on', async () => {
  const file = freshFile();
  copyFileSync(new URL('../fixtures/schema-1.db', import.meta.url), file);
  const log = openSqliteEventLog(file);
  assert.equal(log.head(), 5);
  const [first] = log.read({ from: 1, limit: 1 });
  assert.deepEqual([first?.schemaVersion, first?.correlationId, first?.restoredFrom], [1, 'request-1', undefined]);
  assert.deepEqual(
    log.objects({}).map(({ ref, version }) => [ref.name, version]),
    [['kept', 4]],
  );
  const result = await log.append({
    expected: [{ ref: policyRef('kept'), version: 4 }],
    events: [policyEvent('kept', 'SpecChanged')],
  });
  assert(result.kind === 'appended');
  assert.deepEqual([result.events[0]?.seq, result.events[0]?.schemaVersion], [6, 3]);
  await log.close();
});

test('a file written by schema version 2 verifies before it is opened, then is read, and written on', async () => {
  const file = freshFile();
  copyFileSync(new URL('../fixtures/schema-2.db', import.meta.url), file);
  const { head, events, objects, problems } = verifyLogFile(file);
  assert.deepEqual({ head, events, objects, problems }, { head: 74, events: 74, objects: 2, problems: [] });
  const log = openSqliteEventLog(file);
  assert.deepEqual(
    log.objects({}).map(({ ref, version }) => [ref.name, version]),
    [
      ['back', 74],
      ['kept', 70],
    ],
  );
  const [restored] = log.history(policyRef('back'), { before: 99, limit: 1 });
  assert.deepEqual([restored?.restoredFrom, restored?.correlationId], [{ seq: 72 }, 'together']);
  assert.deepEqual(log.objectAt(policyRef('kept'), 9)?.object.spec, { x: 9 });
  assert.deepEqual(log.objectAt(policyRef('gone'), 70)?.version, 2);
  assert.equal(log.object(policyRef('gone')), undefined);
  assert.deepEqual(
    log.appended('first')?.map(({ seq }) => seq),
    [1, 2],
  );
  await log.append({ expected: [{ ref: policyRef('gone'), version: 0 }], events: [policyEvent('gone')] });
  assert.deepEqual(
    log.history(policyRef('gone'), { before: 99, limit: 9 }).map(({ seq }) => seq),
    [75, 71, 2],
  );
  await log.close();
  assert.deepEqual(verifyLogFile(file).problems, []);
});
