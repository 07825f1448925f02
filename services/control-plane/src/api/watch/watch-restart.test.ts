import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compactLogFile, openSqliteEventLog } from '@pulseplane/event-log';
import { ALL_POLICIES, createFixture, MERGE, POLICIES, TCP_POLICY } from '../testing/api-fixture.ts';
import { listen } from '../testing/stream-client.ts';
import { watch } from '../testing/watch-client.ts';

test('list and watch lose and repeat nothing across a restart on the same file', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'pulseplane-watch-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const seen: string[] = [];
  let last = '';
  for (let life = 0; life < 4; life++) {
    const log = openSqliteEventLog(join(folder, 'events.db'));
    const { app, send } = await createFixture({ log });
    const url = await listen(app);
    last = last === '' ? (await send('GET', ALL_POLICIES)).json().metadata.resourceVersion : last;
    // Written before the watch is there, and while it is.
    for (const index of [0, 1]) await create(`early-${life}-${index}`);
    const client = await watch(`${url}${ALL_POLICIES}?watch=true&resourceVersion=${last}`);
    for (const index of [0, 1]) await create(`late-${life}-${index}`);
    // What comes after the third event is left for the next life.
    for (let count = 0; count < 3; count++) {
      const { object } = await client.next();
      seen.push(object.metadata.name);
      last = object.metadata.resourceVersion;
    }
    await app.close();
    await log.close();

    async function create(name: string): Promise<void> {
      const answer = await send('POST', POLICIES, { ...TCP_POLICY, metadata: { name } });
      assert.equal(answer.statusCode, 201);
    }
  }
  const written = [0, 1, 2, 3].flatMap((life) => [
    `early-${life}-0`,
    `early-${life}-1`,
    `late-${life}-0`,
    `late-${life}-1`,
  ]);
  assert.deepEqual(seen, written.slice(0, 12));
});

test('after a compaction a watch begins at what was kept, and knows the states before its first events', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'pulseplane-watch-'));
  const file = join(folder, 'events.db');
  const written = openSqliteEventLog(file);
  const { send: write } = await createFixture({ log: written });
  await write('POST', POLICIES, { ...TCP_POLICY, metadata: { name: 'a', labels: { team: 'core' } } });
  const team = (value: string) => ({ metadata: { labels: { team: value } } });
  await write('PATCH', `${POLICIES}/a`, team('edge'), { 'content-type': MERGE });
  await written.close();
  compactLogFile(file, { keepVersions: 1 }, 'tester');

  const log = openSqliteEventLog(file);
  const { app, send } = await createFixture({ log });
  context.after(async () => {
    await app.close();
    await log.close();
    await rm(folder, { recursive: true, force: true });
  });
  const kept = log.floor() - 1;
  assert.equal(kept, 4);
  const open = `${await listen(app)}${ALL_POLICIES}?watch=true&labelSelector=team%3Dedge&resourceVersion=`;
  assert.deepEqual(await (await watch(`${open}${kept - 1}`)).rest(), ['ERROR 410 too old resource version: 3 (4)']);
  const client = await watch(`${open}${kept}`);
  await send('PATCH', `${POLICIES}/a`, team('core'), { 'content-type': MERGE });
  assert.deepEqual(await client.take(1), [`DELETED a@${log.head()}`]);
});
