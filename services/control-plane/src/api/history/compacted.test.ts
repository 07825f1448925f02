import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compactLogFile, openSqliteEventLog } from '@pulseplane/event-log';
import { createFixture, MERGE, POLICIES, POLICY, TCP_POLICY } from '../testing/api-fixture.ts';

const keepalive = (time: string) => ({ spec: { frontend: { tcp: { keepalive: { time } } } } });

test('after a compaction, what was kept of the past is told, and what was dropped is 410', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'pulseplane-compacted-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'events.db');
  const before = openSqliteEventLog(file);
  const { send } = await createFixture({ log: before });
  await send('POST', POLICIES, TCP_POLICY);
  for (const time of ['40s', '50s', '60s']) await send('PATCH', POLICY, keepalive(time), { 'content-type': MERGE });
  await before.close();
  // Events 3 to 6 are the policy's; 7 tells of the compaction.
  assert.deepEqual(compactLogFile(file, { keepVersions: 2 }, 'operator'), { dropped: 2, retained: 4, through: 6 });

  const log = openSqliteEventLog(file);
  t.after(() => log.close());
  const after = await createFixture({ log });
  const { items } = (await after.send('GET', `${POLICY}/history`)).json();
  assert.deepEqual(
    items.map(({ seq, diff }: { seq: number; diff?: readonly string[] }) => [seq, diff]),
    [
      [6, ['spec.frontend.tcp.keepalive.time: 50s -> 60s']],
      [5, undefined],
    ],
  );
  // What was kept of the policy can be seen and brought back, though of then not all is known.
  assert.equal((await after.send('GET', `${POLICY}?at=5`)).json().spec.frontend.tcp.keepalive.time, '50s');
  assert.equal((await after.send('GET', `${POLICIES}?at=5`)).json().code, 410);
  for (const url of [
    `${POLICY}?at=4`,
    `${POLICY}?at=2026-11-22T10:20:30.456Z`,
    `${POLICIES}?at=4`,
    `${POLICY}/diff?from=4`,
  ]) {
    const { code, reason } = (await after.send('GET', url)).json();
    assert.deepEqual([code, reason], [410, 'Expired'], url);
  }
  assert.equal((await after.send('POST', `${POLICY}/rollback`, { to: 4 })).statusCode, 410);
  const { message } = (await after.send('GET', `${POLICY}?at=4`)).json();
  assert.match(message, /is compacted away; the oldest that is known is 7/);
  assert.equal((await after.send('GET', '/v1/events?from=4')).statusCode, 410);
  assert.equal((await after.send('GET', `${POLICY}?at=7`)).json().spec.frontend.tcp.keepalive.time, '60s');
  const back = await after.send('POST', `${POLICY}/rollback`, { to: 5 });
  assert.equal(back.json().spec.frontend.tcp.keepalive.time, '50s');
  await after.send('DELETE', POLICY);
  assert.equal((await after.send('POST', `${POLICY}/undelete`)).statusCode, 201);
});
