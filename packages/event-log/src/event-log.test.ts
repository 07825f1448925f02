import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Database from 'better-sqlite3';
import { createMemoryEventLog, openSqliteEventLog } from './index.ts';
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
  first.close();

  const second = openSqliteEventLog(file);
  assert.deepEqual(second.read({ from: 1, limit: 10 }), before);
  assert.equal(second.head(), 2);
  assert.equal(second.object(policyRef('b'))?.version, 2);
  await second.append({ expected: [], events: [policyEvent('c')] });
  assert.equal(second.read({ from: 3, limit: 1 })[0]?.prevHash, before[1]?.hash);
  second.close();
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
  log.close();
});

test('an event that cannot be stored leaves neither event nor object behind', async () => {
  const log = openSqliteEventLog(freshFile());
  const event = policyEvent('a');
  await log.append({ expected: [], events: [event] });
  await assert.rejects(log.append({ expected: [], events: [policyEvent('b'), event] }), /UNIQUE/);
  assert.equal(log.head(), 1);
  assert.equal(log.object(policyRef('b')), undefined);
  const next = await log.append({ expected: [], events: [policyEvent('c')] });
  assert(next.kind === 'appended');
  assert.equal(next.events[0]?.seq, 2);
  log.close();
});

test('a file of a newer version is refused', () => {
  const file = freshFile();
  openSqliteEventLog(file).close();
  const db = new Database(file);
  db.pragma('user_version = 99');
  db.close();
  assert.throws(() => openSqliteEventLog(file), /newer version/);
});
