import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { verifyLogFile } from '../index.ts';
import { policyEvent } from '../testing/index.ts';
import { framesInWal } from '../testing/wal-frames.ts';
import { startCheckpointer } from './checkpointer.ts';
import { openDatabase } from './database.ts';
import { SqliteStore } from './sqlite-store.ts';

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-checkpointer-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const PADDING = 'x'.repeat(2000);

test('a WAL that is written over keeps its size, and a crash then loses nothing of what was committed', async () => {
  const file = join(directory, 'log.db');
  const db = openDatabase(file);
  const store = new SqliteStore(db);
  const commit = (name: string): void => {
    store.commit([{ expected: [], events: [policyEvent(name, 'Created', { PADDING })] }]);
  };
  for (let index = 0; index < 100; index += 1) commit(`before-${index}`);
  const size = statSync(`${file}-wal`).size;
  const stop = startCheckpointer(db, { every: 5, limit: 1 });
  const until = Date.now() + 10_000;
  while (framesInWal(db) > 50) {
    assert(Date.now() < until, 'the WAL did not begin anew within ten seconds');
    await new Promise((resolve) => setTimeout(resolve, 20));
    commit('again');
  }
  await stop();
  for (let index = 0; index < 3; index += 1) commit(`after-${index}`);
  assert(statSync(`${file}-wal`).size >= size, 'its space was cut off');

  // What a crash leaves: the two files, the WAL with new pages before the old ones.
  const crashed = join(directory, 'crashed.db');
  for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${crashed}${end}`);
  const head = store.head();
  db.close();
  const again = openDatabase(crashed);
  assert.deepEqual(new SqliteStore(again).head().hash, head.hash);
  again.close();
  assert.deepEqual(verifyLogFile(crashed).problems, []);
});
