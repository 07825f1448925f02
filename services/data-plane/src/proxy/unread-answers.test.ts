import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { ERROR, FLAG, FRAME, PREFACE, SETTING } from '../http2/protocol.ts';
import { frame, framesOf, GET, setting, word } from '../testing/http2-client.ts';
import { createWorld, httpPolicy, rawClient, until } from '../testing/world.ts';

const { DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE } = FRAME;
const END_STREAM_AND_HEADERS = 5;
const MOST_STREAMS = 200;

const requests = (count: number, from = 1) =>
  Buffer.concat(Array.from({ length: count }, (_, n) => frame(HEADERS, END_STREAM_AND_HEADERS, from + 2 * n, GET)));

test('a client that reads is not closed for the size of the heads that it gets', async (t) => {
  const held: ServerResponse[] = [];
  const world = await createWorld({ onRequest: (_request, response) => void held.push(response) });
  t.after(() => world.stop());
  const client = await rawClient(world.httpPort);
  client.socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), requests(MOST_STREAMS)]));
  await until(() => held.length === MOST_STREAMS);
  for (const response of held) {
    for (const name of ['x-a', 'x-b', 'x-c']) response.setHeader(name, 'a'.repeat(20_000));
    response.end();
  }
  const frames = (type: number) =>
    framesOf(Buffer.from(client.received(), 'latin1')).filter((one) => one.type === type).length;
  await until(() => client.closed() || frames(HEADERS) === MOST_STREAMS, 10_000);
  assert.equal(client.closed(), false);
  assert.equal(frames(GOAWAY) + frames(RST_STREAM), 0);
  client.socket.destroy();
});

const LIMIT_MS = 400;
/** Long enough for the limit to be noticed. */
const LATER_MS = 3 * LIMIT_MS;
/** More than the kernel holds for both ends. */
const MANY_BYTES = 64_000_000;
/** What a slow client reads at a time. Its kernel, whose buffer was full, says only after much of it that there is room. */
const STEP_BYTES = 3_000_000;
const STEPS = 14;
const SLOW_LIMIT_MS = 1_000;

/** A worker with a short limit, before a backend that tells which of its answers are under way. */
async function worldWithLimit(t: TestContext, onRequest: (response: ServerResponse) => void, sendIdleMs = LIMIT_MS) {
  const underWay = new Set<ServerResponse>();
  const world = await createWorld({
    limits: { sendIdleMs },
    onRequest(_request, response) {
      underWay.add(response);
      response.on('close', () => underWay.delete(response));
      onRequest(response);
    },
  });
  t.after(() => world.stop());
  return { ...world, underWay };
}

const endless = (response: ServerResponse) => void response.end(Buffer.alloc(MANY_BYTES));

/** A client that gives its streams a window of so many bytes. */
async function http2Client(port: number, windowBytes: number) {
  const client = await rawClient(port);
  const settings = frame(SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, windowBytes));
  client.socket.write(Buffer.concat([PREFACE, settings, frame(HEADERS, END_STREAM_AND_HEADERS, 1, GET)]));
  return {
    ...client,
    frames: (type: number) => framesOf(Buffer.from(client.received(), 'latin1')).filter((one) => one.type === type),
  };
}

for (const [name, onRequest] of [
  ['that is long', endless],
  ['that the backend has said to its end', (response: ServerResponse) => void response.end('all of it')],
] as const) {
  test(`an answer ${name} is called off when its client gives no window for it, and its session goes on`, async (t) => {
    const world = await worldWithLimit(t, onRequest);
    const client = await http2Client(world.httpPort, 0);
    await until(() => client.frames(HEADERS).length === 1);
    await until(() => client.frames(RST_STREAM).length === 1);
    const [reset] = client.frames(RST_STREAM);
    assert.deepEqual([reset?.id, reset?.payload.readUInt32BE(0)], [1, ERROR.CANCEL]);
    await until(() => world.underWay.size === 0);
    assert.match(await world.metrics(), /^pulseplane_http2_send_timeouts_total 1$/m);
    client.socket.write(Buffer.concat([frame(WINDOW_UPDATE, 0, 0, word(1)), frame(HEADERS, 5, 3, GET)]));
    await until(() => client.frames(HEADERS).length === 2);
    assert.equal(client.closed(), false);
    client.socket.destroy();
  });
}

test('an answer goes on whose client gives little window, and one that has nothing to say', async (t) => {
  const world = await worldWithLimit(t, (response) => void response.write('a'.repeat(1_000)));
  const slow = await http2Client(world.httpPort, 0);
  const silent = await http2Client(world.httpPort, 65_535);
  for (let n = 0; n < 2 * (LATER_MS / LIMIT_MS); n += 1) {
    await sleep(LIMIT_MS / 2);
    slow.socket.write(frame(WINDOW_UPDATE, 0, 1, word(1)));
  }
  await until(() => slow.frames(DATA).length === 6);
  assert.equal(world.underWay.size, 2);
  for (const client of [slow, silent]) {
    assert.deepEqual(client.frames(RST_STREAM), []);
    assert.equal(client.closed(), false);
    client.socket.destroy();
  }
});

const ASK = {
  http1: Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  http2: Buffer.concat([
    PREFACE,
    frame(SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 2 ** 31 - 1)),
    frame(WINDOW_UPDATE, 0, 0, word(2 ** 31 - 1 - 65_535)),
    frame(HEADERS, END_STREAM_AND_HEADERS, 1, GET),
  ]),
};

for (const [protocol, ask] of Object.entries(ASK)) {
  test(`a client of ${protocol} that does not read its answer is closed, and its backend is free`, async (t) => {
    const world = await worldWithLimit(t, endless);
    const client = await rawClient(world.httpPort);
    client.socket.pause();
    client.socket.write(ask);
    await until(() => world.underWay.size === 1);
    await until(() => world.underWay.size === 0);
    assert.equal(await world.closes('send_timeout'), 1);
    client.socket.destroy();
  });

  test(`a client of ${protocol} that reads slowly gets its answer`, async (t) => {
    const world = await worldWithLimit(t, endless, SLOW_LIMIT_MS);
    const client = await rawClient(world.httpPort);
    client.socket.pause();
    client.socket.write(ask);
    let bytes = 0;
    client.socket.removeAllListeners('data').on('data', (piece) => {
      bytes += piece.length;
    });
    for (let n = 1; n <= STEPS; n += 1) {
      await sleep(150);
      client.socket.resume();
      await until(() => bytes >= n * STEP_BYTES);
      client.socket.pause();
    }
    client.socket.resume();
    await until(() => bytes > MANY_BYTES, 10_000);
    assert.equal(await world.closes('send_timeout'), 0);
    client.socket.destroy();
  });
}

test('a client of HTTP/1.1 that waits for the next event is left alone', async (t) => {
  const world = await worldWithLimit(t, (response) => void response.write('an event'));
  const client = await rawClient(world.httpPort);
  client.socket.write(ASK.http1);
  await until(() => client.received().includes('an event'));
  await sleep(LATER_MS);
  assert.equal(client.closed(), false);
  for (const response of world.underWay) response.end('the last');
  await until(() => client.received().includes('the last'));
  client.socket.destroy();
});

/** So slow that what the kernels hold takes longer than the PING may, and so fast that each of their steps does not. */
const BYTES_PER_MS = 4_500;

for (const [name, isRead] of [
  ['that takes what is in front of it slowly is left alone', true],
  ['that takes nothing of what is in front of it is closed in time', false],
] as const) {
  test(`a client with a PING on its way ${name}`, async (t) => {
    const world = await createWorld({ onRequest: (_request, response) => endless(response) });
    t.after(() => world.stop());
    world.apply(httpPolicy({ http2KeepaliveIntervalMs: 300, http2KeepaliveTimeoutMs: 1_000 }));
    const socket = connect(world.httpPort, '127.0.0.1').on('error', () => undefined);
    t.after(() => socket.destroy());
    socket.on('readable', () => undefined);
    socket.write(ASK.http2);
    const start = performance.now();
    let bytes = 0;
    while ((await world.closes('ping_timeout')) === 0 && performance.now() - start < 4_000) {
      // By the clock, so that a busy machine reads no more slowly.
      while (isRead && bytes < (performance.now() - start) * BYTES_PER_MS) {
        bytes += (socket.read() as Buffer | null)?.length ?? 0;
        await turn();
      }
      await sleep(10);
    }
    assert.equal(await world.closes('ping_timeout'), isRead ? 0 : 1);
    assert.ok(isRead || performance.now() - start < 2_300, 'in time');
  });
}

/** Read in pieces of 64 KiB at most, with pauses, it is in the kernels of both ends for seconds. */
const LAST_BYTES = 3_000_000;

test('a client that reads slowly gets the end of its answer after that of its session, while it sends windows', async (t) => {
  const world = await createWorld({ onRequest: (_request, response) => void response.end(Buffer.alloc(LAST_BYTES)) });
  t.after(() => world.stop());
  world.apply(httpPolicy({ maxConnectionDurationMs: 300 }));
  const socket = connect(world.httpPort, '127.0.0.1');
  t.after(() => socket.destroy());
  let error: Error | undefined;
  socket.on('error', (thrown) => {
    error = thrown;
  });
  // So that it reads no more than it is asked for.
  socket.on('readable', () => undefined);
  socket.write(ASK.http2);
  const pieces: Buffer[] = [];
  while (!socket.readableEnded && error === undefined) {
    await sleep(50);
    const piece: Buffer | null = socket.read();
    if (piece === null) continue;
    pieces.push(piece);
    socket.write(frame(WINDOW_UPDATE, 0, 1, word(1)));
  }
  const data = framesOf(Buffer.concat(pieces)).filter(({ type }) => type === DATA);
  assert.equal(error, undefined);
  assert.equal(
    data.reduce((sum, { payload }) => sum + payload.length, 0),
    LAST_BYTES,
  );
  assert.ok((data.at(-1)?.flags ?? 0) & FLAG.END_STREAM, 'the end of the answer');
  assert.equal(await world.closes('max_duration'), 1);
});
