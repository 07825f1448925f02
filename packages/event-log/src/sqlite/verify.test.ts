import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { backUpLogFile, compactLogFile, openSqliteEventLog, restoreLogFile, verifyLogFile } from '../index.ts';
import { StorageFault } from '../storage-fault.ts';
import { policyEvent, policyRef } from '../testing/index.ts';
import { openDatabase } from './database.ts';
import { Database } from './driver.ts';
import { SqliteStore } from './sqlite-store.ts';

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-verify-'));
after(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function freshFile(): string {
  files += 1;
  return join(directory, `log-${files}.db`);
}

/** A log of ten events: a and b created, a changed seven times, b deleted. */
async function sampleFile(): Promise<string> {
  const file = freshFile();
  const log = openSqliteEventLog(file);
  await log.append({ expected: [], events: [policyEvent('a', 'Created', { x: 0 }), policyEvent('b')] });
  for (let x = 1; x <= 7; x += 1) {
    await log.append({ expected: [], events: [policyEvent('a', 'SpecChanged', { x }, `2026-11-22T12:00:0${x}.000Z`)] });
  }
  await log.append({ expected: [], events: [policyEvent('b', 'Deleted', {}, '2026-11-22T12:00:09.000Z')] });
  await log.close();
  return file;
}

function tamper(file: string, sql: string): void {
  const db = new Database(file);
  db.exec('DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted');
  db.exec(sql);
  db.close();
}

test('a log as it was written is sound', async () => {
  const file = await sampleFile();
  const { headHash, ...report } = verifyLogFile(file);
  assert.deepEqual(report, { head: 10, events: 10, objects: 1, problems: [] });
  assert.match(headHash, /^[0-9a-f]{64}$/);
});

const SWAP = `
  UPDATE events SET seq = 99 WHERE seq = 4;
  UPDATE events SET seq = 4 WHERE seq = 5;
  UPDATE events SET seq = 5 WHERE seq = 99;`;

for (const [what, sql, seq, problem] of [
  [
    'a flipped bit in an object',
    `UPDATE events SET object = replace(object, '"x":3', '"x":2') WHERE seq = 5`,
    5,
    /content does not match its hash/,
  ],
  ['a changed actor', `UPDATE events SET actor_user = 'mallory' WHERE seq = 3`, 3, /content does not match its hash/],
  [
    'a changed hash',
    `UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'g') WHERE seq = 3`,
    3,
    /content does not match/,
  ],
  ['a missing event', 'DELETE FROM events WHERE seq = 6', 6, /the event is missing/],
  ['several missing events', 'DELETE FROM events WHERE seq IN (6, 7)', 6, /the events up to 7 are missing/],
  ['two swapped events', SWAP, 4, /content does not match its hash/],
  [
    'an inserted event',
    `INSERT INTO events SELECT 11, subject, previous, revision, 'forged', type, subject_uid, actor_user, actor_via, request_id, correlation_id, restored_from, time, schema_version, prev_hash, hash, object FROM events WHERE seq = 9`,
    11,
    /content does not match its hash/,
  ],
  [
    'an older version shown as the current object',
    'UPDATE heads SET version = 8 WHERE version = 9',
    9,
    /the table has AgentgatewayPolicy httpbin\/a otherwise/,
  ],
  [
    'a deleted object brought back in the table',
    'UPDATE heads SET version = 2 WHERE version = 0',
    10,
    /the table has AgentgatewayPolicy httpbin\/b otherwise/,
  ],
  [
    'an object that no event left',
    `INSERT INTO heads VALUES (99, 3, 1, 3);
     INSERT INTO subjects SELECT 99, subject_group, subject_kind, subject_namespace, 'ghost' FROM subjects WHERE id = 1`,
    3,
    /AgentgatewayPolicy httpbin\/ghost, which no event leaves behind/,
  ],
  [
    'another name for an object',
    `UPDATE subjects SET subject_name = 'z' WHERE subject_name = 'b'`,
    2,
    /does not match its hash/,
  ],
  [
    "an event out of an object's history",
    'UPDATE events SET previous = 4 WHERE seq = 6',
    6,
    /its link to the event before/,
  ],
  ['a head of no object', 'INSERT INTO heads VALUES (99, 4, 1, 4)', 4, /a head of no object/],
  [
    'a first event that claims to follow another',
    'UPDATE events SET revision = 5 WHERE seq = 2',
    2,
    /its link to the event/,
  ],
  ['a stray waypoint', 'INSERT INTO waypoints VALUES (1, 4)', 4, /is a waypoint, but should not be/],
] as const) {
  test(`${what} is found, with its sequence number`, async () => {
    const file = await sampleFile();
    tamper(file, sql);
    const { problems } = verifyLogFile(file);
    assert.equal(problems[0]?.seq, seq, JSON.stringify(problems));
    assert.match(problems[0]?.problem ?? '', problem);
  });
}

test('a flipped bit anywhere is found, or changes nothing that can be read', async () => {
  const file = freshFile();
  const log = openSqliteEventLog(file);
  for (const name of ['alpha', 'bravo', 'charlie']) {
    await log.append({ expected: [], events: [policyEvent(name)], idempotencyKey: `key-of-${name}` });
  }
  await log.close();
  const sound = readFileSync(file);
  const read = (path: string) => {
    const db = openDatabase(path);
    try {
      const store = new SqliteStore(db);
      const refs = ['alpha', 'bravo', 'charlie'].map(policyRef);
      const keys = ['alpha', 'bravo', 'charlie'].map((name) => store.appended(`key-of-${name}`)?.length);
      return JSON.stringify([
        store.objects({}),
        refs.map((ref) => store.object(ref)),
        store.read({ from: 1, limit: 9 }),
        keys,
      ]);
    } finally {
      db.close();
    }
  };
  const expected = read(file);
  let found = 0;
  // A prime, so that the flips fall on every part of the pages; a page of 4096 bytes gets some 40.
  for (let offset = 100; offset < sound.length; offset += 101) {
    const flipped = Buffer.from(sound);
    flipped[offset] = (flipped[offset] ?? 0) ^ (1 << (offset % 8));
    const copy = freshFile();
    writeFileSync(copy, flipped);
    let problems: number;
    try {
      problems = verifyLogFile(copy).problems.length;
    } catch (error) {
      assert(error instanceof StorageFault, `byte ${offset}: ${String(error)}`);
      problems = 1;
    }
    if (problems > 0) found += 1;
    else assert.equal(read(copy), expected, `byte ${offset}`);
    rmSync(copy);
  }
  assert(found > 20, `only ${found} flips were found`);
});

test('a file of schema version 1 verifies, also after it was written on', async () => {
  const file = freshFile();
  copyFileSync(new URL('../../fixtures/schema-1.db', import.meta.url), file);
  const log = openSqliteEventLog(file);
  await log.append({ expected: [], events: [policyEvent('kept', 'SpecChanged')] });
  await log.close();
  assert.deepEqual(verifyLogFile(file).problems, []);
});

test('a backup while writing is whole, verified, and can be restored', async () => {
  const file = await sampleFile();
  const log = openSqliteEventLog(file);
  const writing = (async () => {
    for (let x = 0; x < 200; x += 1)
      await log.append({ expected: [], events: [policyEvent('a', 'SpecChanged', { x })] });
  })();
  const copy = freshFile();
  const report = await backUpLogFile(file, copy);
  await writing;
  assert.deepEqual(report.problems, []);
  assert(report.head >= 10 && report.head <= 210, String(report.head));
  await assert.rejects(backUpLogFile(file, copy), /exists already/);

  const restored = freshFile();
  assert.equal((await restoreLogFile(copy, restored)).head, report.head);
  await assert.rejects(restoreLogFile(copy, restored), /exists already; move it away first/);
  const again = openSqliteEventLog(restored);
  assert.deepEqual(again.read({ from: 1, limit: report.head }), log.read({ from: 1, limit: report.head }));
  await again.close();
  await log.close();
});

test('a backup that is not sound is not restored', async () => {
  const file = await sampleFile();
  tamper(file, `UPDATE events SET actor_user = 'mallory' WHERE seq = 3`);
  const restored = freshFile();
  await assert.rejects(restoreLogFile(file, restored), {
    name: 'StorageFault',
    message: /event 3: the content does not match/,
  });
  assert.equal(existsSync(restored), false);
});

test('a compacted log keeps the last versions, stays verifiable, and goes on', async () => {
  const file = await sampleFile();
  assert.deepEqual(compactLogFile(file, { keepVersions: 2 }, 'operator'), { dropped: 6, retained: 4, through: 10 });
  const { headHash: _, ...verified } = verifyLogFile(file);
  assert.deepEqual(verified, { head: 11, events: 5, objects: 1, problems: [] });
  const log = openSqliteEventLog(file);
  assert.deepEqual([log.floor(), log.head()], [11, 11]);
  assert.deepEqual(
    log.history(policyRef('a'), { before: 99, limit: 10 }).map(({ seq }) => seq),
    [9, 8],
  );
  await log.append({ expected: [{ ref: policyRef('a'), version: 9 }], events: [policyEvent('a', 'SpecChanged')] });
  await log.close();
  assert.deepEqual(verifyLogFile(file).problems, []);
  compactLogFile(file, { keepVersions: 1 }, 'operator');
  assert.deepEqual(verifyLogFile(file).problems, []);
});

test('a compaction that has nothing to drop leaves the log as it is', async () => {
  const file = await sampleFile();
  assert.deepEqual(compactLogFile(file, { keepVersions: 50 }, 'operator'), { dropped: 0, retained: 0, through: 0 });
  const { head, events } = verifyLogFile(file);
  assert.deepEqual([head, events], [10, 10]);
});

test('a changed idempotency key is found', async () => {
  const file = freshFile();
  const log = openSqliteEventLog(file);
  await log.append({ expected: [], events: [policyEvent('a')], idempotencyKey: 'once' });
  await log.close();
  tamper(file, "UPDATE commands SET idempotency_key = 'twice'");
  assert.match(verifyLogFile(file).problems[0]?.problem ?? '', /idempotency key .* is not as it was written/);
});

test('a compaction by age keeps what is newer', async () => {
  const file = await sampleFile();
  const report = compactLogFile(file, { keepVersions: 1, keepSince: '2026-11-22T12:00:04.000Z' }, 'operator');
  assert.deepEqual(report, { dropped: 3, retained: 2, through: 5 });
  const log = openSqliteEventLog(file);
  assert.equal(log.floor(), 6);
  assert.deepEqual(log.objectAt(policyRef('a'), 7)?.object.spec, { x: 5 });
  assert.deepEqual(
    log.objectsAt({}, 5).map(({ ref, version }) => [ref.name, version]),
    [
      ['a', 5],
      ['b', 2],
    ],
    'the state right after the compaction is known',
  );
  await log.close();
  assert.deepEqual(verifyLogFile(file).problems, []);
});

for (const [what, sql, problem] of [
  [
    'an event that the compaction kept',
    'DELETE FROM events WHERE seq = 9',
    /of the 4 events that the compaction left some are missing/,
  ],
  [
    'the table of compactions',
    `UPDATE compaction SET retained = 3`,
    /is not the one in the table|left some are missing/,
  ],
  ['the event that tells of it', 'DELETE FROM events WHERE seq = 11', /no event tells of the compaction/],
] as const) {
  test(`after a compaction, a change of ${what} is found`, async () => {
    const file = await sampleFile();
    compactLogFile(file, { keepVersions: 2 }, 'operator');
    tamper(file, sql);
    const { problems } = verifyLogFile(file);
    assert(
      problems.some((found) => problem.test(found.problem)),
      JSON.stringify(problems),
    );
  });
}

test('a log in use is not compacted', async () => {
  const file = await sampleFile();
  const log = openSqliteEventLog(file);
  assert.throws(() => compactLogFile(file, { keepVersions: 1 }, 'operator'), /in use by another process/);
  await log.close();
});
