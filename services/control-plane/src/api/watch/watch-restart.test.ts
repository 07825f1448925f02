import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqliteEventLog } from '@pulseplane/event-log';
import { ALL_POLICIES, createFixture, POLICIES, TCP_POLICY } from '../testing/api-fixture.ts';
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
