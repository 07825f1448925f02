import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openSqliteEventLog, verifyLogFile } from '../index.ts';
import { policyEvent } from '../testing/index.ts';
import { framesInWal } from '../testing/wal-frames.ts';
import { startCheckpointer } from './checkpointer.ts';
import { openDatabase } from './database.ts';
import { SqliteStore } from './sqlite-store.ts';

/** A file system of one megabyte, which only root may mount. */
const disk = mkdtempSync(join(tmpdir(), 'pulseplane-disk-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status === 0;
const skip = !mounted && 'a small file system cannot be mounted here (needs root)';
after(() => {
  if (mounted) spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
});

const PADDING = 'x'.repeat(2000);

test('a full disk: the writer is told, reads go on, nothing is half written, and with space again writes go on', {
  skip,
}, async () => {
  const file = join(disk, 'full.db');
  const log = openSqliteEventLog(file);
  await log.append({ expected: [], events: [policyEvent('first')] });
  writeFileSync(join(disk, 'ballast'), 'x'.repeat(600_000));
  let acknowledged = 1;
  await assert.rejects(
    async () => {
      for (;;) {
        await log.append({
          expected: [],
          events: [policyEvent('a', 'SpecChanged', { PADDING }), policyEvent('b', 'SpecChanged', { PADDING })],
        });
        acknowledged += 2;
      }
    },
    { name: 'StorageFault', kind: 'full' },
  );
  assert.equal(log.head(), acknowledged);
  assert.equal(log.read({ from: 1, limit: 10_000 }).length, acknowledged);

  rmSync(join(disk, 'ballast'));
  const result = await log.append({ expected: [], events: [policyEvent('later')] });
  assert(result.kind === 'appended');
  assert.equal(result.events[0]?.seq, acknowledged + 1);
  await log.close();
  assert.deepEqual(verifyLogFile(file).problems, []);
  rmSync(file);
});

test('a WAL that is to begin anew on a full disk waits for space; nobody falls', { skip }, async () => {
  const file = join(disk, 'large-wal.db');
  const db = openDatabase(file);
  const store = new SqliteStore(db);
  for (let index = 0; index < 20; index += 1) {
    store.commit([{ expected: [], events: [policyEvent(`p${index}`, 'Created', { PADDING })] }]);
  }
  const ballast = join(disk, 'ballast');
  assert.throws(() => writeFileSync(ballast, 'x'.repeat(2_000_000)), /ENOSPC/);
  assert.throws(() => db.pragma('wal_checkpoint(TRUNCATE)'), /full/, 'there is no room for what the WAL holds');
  const stop = startCheckpointer(db, { every: 5, limit: 1 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(store.read({ from: 1, limit: 100 }).length, 20);
  rmSync(ballast);
  await eventually(() => {
    store.commit([{ expected: [], events: [policyEvent('later', 'Created', { PADDING })] }]);
    return framesInWal(db) < 20;
  });
  await stop();
  db.close();
  assert.deepEqual(verifyLogFile(file).problems, []);
  rmSync(file);
});

async function eventually(holds: () => boolean): Promise<void> {
  const until = Date.now() + 10_000;
  while (!holds()) {
    assert(Date.now() < until, 'not within ten seconds');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a read-only disk: the log is refused with the reason, and opens when the disk is writable again', {
  skip,
}, async () => {
  const file = join(disk, 'read-only.db');
  const log = openSqliteEventLog(file);
  await log.append({ expected: [], events: [policyEvent('a')] });
  await log.close();
  assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0);
  assert.throws(() => openSqliteEventLog(file), {
    name: 'StorageFault',
    message: /read-only\.db: .*SQLITE_(CANTOPEN|READONLY)/,
  });
  assert.equal(spawnSync('mount', ['-o', 'remount,rw', disk]).status, 0);
  const again = openSqliteEventLog(file);
  assert.equal((await again.append({ expected: [], events: [policyEvent('b')] })).kind, 'appended');
  await again.close();
});

test('a file that is no database is refused with what is wrong', () => {
  const file = join(disk, 'garbage.db');
  writeFileSync(file, 'this is not a database, whatever its name says'.repeat(100));
  assert.throws(() => openSqliteEventLog(file), { name: 'StorageFault', kind: 'corrupt' });
});

test('a torn page is a named fault for those who read it, not a crash', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'pulseplane-torn-')), 'torn.db');
  const first = openSqliteEventLog(file);
  for (let index = 0; index < 50; index += 1) {
    await first.append({ expected: [], events: [policyEvent(`p${index}`, 'Created', { PADDING })] });
  }
  await first.close();
  const fd = openSync(file, 'r+');
  for (let page = 3; page < 60; page += 1) writeSync(fd, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096);
  assert.throws(
    () => {
      const log = openSqliteEventLog(file);
      try {
        log.read({ from: 1, limit: 1000 });
      } finally {
        log.close().catch(() => {});
      }
    },
    { name: 'StorageFault', kind: 'corrupt' },
  );
});
