import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryEventLog, type EventLog, openSqliteEventLog } from '@pulseplane/event-log';
import { policyEvent, wrapEventLog } from '@pulseplane/event-log/testing';
import type { ApiOptions } from '../api-options.ts';
import { createFixture, POLICIES } from '../testing/api-fixture.ts';
import { listen, openStream } from '../testing/stream-client.ts';
import { watch } from '../testing/watch-client.ts';

const WATCH = `${POLICIES}?watch=true&resourceVersion=2`;

async function setUp(context: TestContext, given: Partial<ApiOptions> = {}) {
  const fixture = await createFixture(given);
  const url = await listen(fixture.app);
  context.after(() => fixture.app.close());
  return { ...fixture, url };
}

/** A client that asks for a path and then never reads. */
async function deafClient(url: string, path: string): Promise<Socket> {
  const { port, host } = new URL(url);
  const socket = connect({ host: '127.0.0.1', port: Number(port) });
  await once(socket, 'connect');
  socket.pause();
  socket.on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  return socket;
}

/** A log that counts who follows it. */
function counted(log: EventLog): { readonly log: EventLog; readonly followers: () => number } {
  let followers = 0;
  const follow: EventLog['follow'] = (listener) => {
    followers += 1;
    const stop = log.follow(listener);
    return () => {
      followers -= 1;
      stop();
    };
  };
  return { log: wrapEventLog(log, { follow }), followers: () => followers };
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isTrue()) {
    assert.ok(Date.now() < deadline, what);
    await sleep(10);
  }
}

test('a client that never reads costs a page, not the log, and disturbs no other', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'pulseplane-streams-'));
  const { log, followers } = counted(openSqliteEventLog(join(folder, 'events.db')));
  const { url } = await setUp(context, { log, streamLimits: { stallMs: 2_000, endMs: 100 } });
  context.after(async () => {
    await log.close();
    await rm(folder, { recursive: true, force: true });
  });
  const reading = await watch(`${url}${WATCH}`);
  const deaf = await Promise.all(Array.from({ length: 10 }, () => deafClient(url, WATCH)));
  await until('all watches are open', () => followers() === 11);
  const padding = 'x'.repeat(2_000);
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  for (let batch = 0; batch < 200; batch++) {
    const events = Array.from({ length: 100 }, (_, index) => policyEvent(`p${batch}-${index}`, 'Created', { padding }));
    await log.append({ expected: [], events });
    for (let index = 0; index < 100; index++) await reading.next();
    most = Math.max(most, process.memoryUsage().heapUsed - before);
  }
  // Each would be owed 40 MB and more, 400 MB in all.
  assert.ok(most < 150_000_000, `the heap grew by ${most} bytes`);
  await until('the deaf are given up', () => followers() === 1);
  for (const socket of deaf) socket.destroy();
  await log.append({ expected: [], events: [policyEvent('afterwards')] });
  assert.equal((await reading.next()).object.metadata.name, 'afterwards');
});

test('a client that reads again in time is told why its stream ends', async (context) => {
  const { log, url } = await setUp(context, { streamLimits: { stallMs: 300, endMs: 5_000 } });
  const socket = await deafClient(url, WATCH);
  const spec = { padding: 'x'.repeat(100_000) };
  for (let batch = 0; batch < 10; batch++) {
    const events = Array.from({ length: 20 }, (_, index) => policyEvent(`p${batch}-${index}`, 'Created', spec));
    await log.append({ expected: [], events });
  }
  await sleep(1_000);
  let text = '';
  socket.on('data', (chunk) => {
    text = (text + String(chunk)).slice(-2_000);
  });
  socket.resume();
  await until('the reason came', () => text.includes('"type":"ERROR"'));
  assert.match(text, /its client did not read for 0\.3 s.*"reason":"TooManyRequests".*"code":429/);
  socket.destroy();
});

test('streams beyond the limit are refused, and one that ends makes room', async (context) => {
  const { url } = await setUp(context, { streamLimits: { maxStreams: 2 } });
  const first = await watch(`${url}${WATCH}`);
  await openStream(`${url}/v1/events`);
  const refused = await openStream(`${url}${WATCH}`, { headers: { accept: 'application/json' } });
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '5');
  const status = JSON.parse((await refused.next()) ?? '');
  assert.equal(status.reason, 'TooManyRequests');
  assert.equal(status.details.retryAfterSeconds, 5);
  first.leave();
  let again = await openStream(`${url}${WATCH}`);
  while (again.status === 429) again = await openStream(`${url}${WATCH}`);
  assert.equal(again.status, 200);
});

test('one client cannot take the streams of all', async (context) => {
  const { url } = await setUp(context, { streamLimits: { maxStreamsOfClient: 2 } });
  for (const path of [WATCH, '/v1/events']) assert.equal((await openStream(url + path)).status, 200);
  const refused = await openStream(`${url}/v1/events`);
  assert.equal(refused.status, 429);
  assert.match(
    (await refused.next()) ?? '',
    /too many open watches and event streams of 127\.0\.0\.1 \(2\), please close some/,
  );
  assert.equal((await openStream(url + WATCH, { localAddress: '127.0.0.2' })).status, 200);
});

test('nothing is left of clients that go away', async (context) => {
  const { log, followers } = counted(createMemoryEventLog());
  const { url } = await setUp(context, { log });
  const clients = await Promise.all(
    Array.from({ length: 50 }, (_, index) => openStream(url + (index % 2 === 0 ? WATCH : '/v1/events'))),
  );
  assert.equal(followers(), 50);
  for (const client of clients) client.leave();
  await until('nobody follows the log', () => followers() === 0);
});

test('closing the server ends all streams at once, deaf ones too', async () => {
  const { log, followers } = counted(createMemoryEventLog());
  const { app } = await createFixture({ log, streamLimits: { endMs: 200 } });
  const url = await listen(app);
  const watching = await watch(`${url}${WATCH}`);
  const streaming = await openStream(`${url}/v1/events`);
  const socket = await deafClient(url, WATCH);
  await until('all are open', () => followers() === 3);
  const spec = { padding: 'x'.repeat(100_000) };
  const events = Array.from({ length: 100 }, (_, index) => policyEvent(`p${index}`, 'Created', spec));
  await log.append({ expected: [], events });
  await watching.take(100);
  const begun = Date.now();
  await app.close();
  assert.ok(Date.now() - begun < 2_000, `${Date.now() - begun} ms`);
  assert.deepEqual(await watching.rest(), []);
  await streaming.rest();
  assert.equal(followers(), 0);
  socket.destroy();
});
