import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLAG, FRAME, PREFACE, SETTING } from '../http2/protocol.ts';
import { frame, framesOf, GET, setting, word } from '../testing/http2-client.ts';
import { createWorld, httpPolicy, rawClient, until, type World } from '../testing/world.ts';

const { DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE } = FRAME;
const END_STREAM_AND_HEADERS = 5;
const HIGHEST_STREAM_ID = 2 ** 31 - 1;
const ANSWER_BYTES = 4_000;

let world: World;

before(async () => {
  world = await createWorld({
    limits: { http2IdleMs: 500 },
    onRequest(request, response) {
      if (request.method === 'GET') response.end('hello\n');
    },
  });
});

after(() => world.stop());

/** A client that writes its frames by hand. */
async function rawSession(port = world.httpPort) {
  const client = await rawClient(port);
  client.socket.write(PREFACE);
  const send = (type: number, flags = 0, stream = 0, payload: Buffer = Buffer.alloc(0)) =>
    void client.socket.write(frame(type, flags, stream, payload));
  send(SETTINGS);
  return {
    ...client,
    send,
    get: (stream: number) => send(HEADERS, END_STREAM_AND_HEADERS, stream, GET),
    frames: (type: number) => framesOf(Buffer.from(client.received(), 'latin1')).filter((one) => one.type === type),
  };
}

test('a session that ends says so first, serves what was on its way, and then names the last stream', async () => {
  const policy = httpPolicy({ maxConnectionDurationMs: 300 });
  world.apply(policy);
  const client = await rawSession();
  await until(() => client.frames(GOAWAY).length === 1);
  assert.equal(client.frames(GOAWAY)[0]?.payload.readUInt32BE(0), HIGHEST_STREAM_ID);
  client.get(1);
  await until(() => client.frames(HEADERS).length === 1);
  assert.equal(client.frames(HEADERS)[0]?.payload[0], 0x88, ':status 200');
  const ping = client.frames(PING)[0] ?? assert.fail('no PING');
  client.send(PING, 1, 0, ping.payload);
  await until(() => client.closed());
  await until(async () => (await world.closes('max_duration')) === 1);
  const last = client.frames(GOAWAY).at(-1)?.payload;
  assert.deepEqual([last?.readUInt32BE(0), last?.readUInt32BE(4)], [1, 0]);
  world.remove(policy);
});

test('a client that does not acknowledge the end is waited for a second', async () => {
  const policy = httpPolicy({ maxConnectionDurationMs: 300 });
  const before = await world.closes('max_duration');
  world.apply(policy);
  const start = performance.now();
  const client = await rawSession();
  await until(() => client.closed());
  assert.ok(performance.now() - start >= 1_250);
  await until(async () => (await world.closes('max_duration')) === before + 1);
  world.remove(policy);
});

test('maxConnectionDuration is spread, so that clients that came together do not come back together', async (t) => {
  const own = await createWorld({ durationJitter: 0.5 });
  t.after(() => own.stop());
  own.apply(httpPolicy({ maxConnectionDurationMs: 1_000 }));
  const start = performance.now();
  const ages = await Promise.all(
    Array.from({ length: 30 }, async () => {
      const client = await rawClient(own.httpPort);
      client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await until(() => client.closed());
      client.socket.destroy();
      return performance.now() - start;
    }),
  );
  const [first, last] = [Math.min(...ages), Math.max(...ages)];
  t.diagnostic(`from ${first.toFixed(0)} to ${last.toFixed(0)} ms`);
  // An idle HTTP/1.1 connection has a second for a last request.
  assert.ok(first >= 1_490 && last <= 3_000 && last - first >= 200);
});

test('windows, frame and header sizes are what the policy says, for new sessions', async () => {
  const announced = async () => {
    const client = await rawSession();
    // The policy's own come first, then the connection's window.
    await until(() => client.frames(SETTINGS).length > 0 && client.frames(WINDOW_UPDATE).length > 0);
    const [settings, update] = [client.frames(SETTINGS)[0]?.payload, client.frames(WINDOW_UPDATE)[0]];
    assert.ok(settings !== undefined && update?.id === 0);
    client.socket.destroy();
    const values = Array.from({ length: settings.length / 6 }, (_, index) => [
      settings.readUInt16BE(6 * index),
      settings.readUInt32BE(6 * index + 2),
    ]);
    return { values: new Map(values as [number, number][]), window: 65_535 + update.payload.readUInt32BE(0) };
  };
  const { INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE } = SETTING;
  const before = await announced();
  assert.equal(before.window, 1_048_576);
  assert.deepEqual(
    [INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE].map((id) => before.values.get(id) ?? 16_384),
    [262_144, 16_384, 16_384],
  );
  const policy = httpPolicy({
    http2WindowSize: 100_000,
    http2ConnectionWindowSize: 200_000,
    http2FrameSize: 20_000,
    http2MaxHeaderSize: 8_192,
  });
  world.apply(policy);
  const after = await announced();
  assert.equal(after.window, 200_000);
  assert.equal(after.values.get(INITIAL_WINDOW_SIZE), 100_000);
  assert.equal(after.values.get(MAX_FRAME_SIZE), 20_000);
  assert.equal(after.values.get(MAX_HEADER_LIST_SIZE), 8_192);

  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  await once(client, 'remoteSettings');
  const ask = async (bytes: number) => {
    const stream = client.request({ ':path': '/', 'x-long': 'a'.repeat(bytes) });
    stream.resume();
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    return headers[':status'];
  };
  assert.equal(await ask(4_000), 200);
  // node:http2's client does not send what the other end has said it does not take.
  await assert.rejects(ask(12_000));
  client.destroy();
  world.remove(policy);
});

test('a session without a stream ends as idle_timeout, one with a stream does not', async () => {
  const before = await world.closes('idle_timeout');
  const idle = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const busy = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = busy.request({ ':method': 'POST', ':path': '/' }, { endStream: false });
  stream.on('error', () => undefined);
  await once(idle, 'close');
  assert.equal(busy.closed, false);
  assert.equal(await world.closes('idle_timeout'), before + 1);
  busy.destroy();
});

for (const [name, type, payload, complaint] of [
  ['PINGs', PING, Buffer.alloc(8), 'too_many_pings'],
  ['SETTINGS', SETTINGS, Buffer.alloc(0), 'too_many_settings'],
] as const) {
  test(`a client that floods with ${name} is told to be calm, and closed`, async () => {
    const before = await world.closes('flood');
    const client = await rawSession();
    for (let n = 0; n < 90; n += 1) client.send(type, 0, 0, payload);
    await sleep(100);
    assert.equal(client.closed(), false);
    for (let n = 0; n < 200; n += 1) client.send(type, 0, 0, payload);
    await until(() => client.closed());
    const goaway = client.frames(GOAWAY)[0]?.payload;
    assert.equal(goaway?.readUInt32BE(4), http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    assert.equal(goaway?.subarray(8).toString(), complaint);
    await until(async () => (await world.closes('flood')) === before + 1);
  });
}

test('answers for which the kernel has no room arrive whole and in order, when the client reads again', async (t) => {
  const own = await createWorld({ onRequest: (_request, response) => void response.end('a'.repeat(ANSWER_BYTES)) });
  t.after(() => own.stop());
  const client = await rawSession(own.httpPort);
  client.send(WINDOW_UPDATE, 0, 0, word(HIGHEST_STREAM_ID - 65_535));
  client.socket.pause();
  const ids = Array.from({ length: 1_500 }, (_, index) => 2 * index + 1);
  for (const id of ids) {
    client.get(id);
    // Few at a time, so that a turn's output is one small buffer.
    if (id % 20 === 1) await sleep(5);
  }
  client.socket.resume();
  const whole = () => client.frames(DATA).filter(({ flags }) => (flags & FLAG.END_STREAM) !== 0).length;
  // With too many answers waiting, a request is refused.
  await until(() => whole() + client.frames(RST_STREAM).length === ids.length);
  const bytes = client.frames(DATA).reduce((sum, { payload }) => sum + payload.length, 0);
  assert.equal(bytes, whole() * ANSWER_BYTES);
  assert.deepEqual(client.frames(GOAWAY), []);
  client.socket.destroy();
});

test('a client that sends a PING for each answer, as gRPC does, is left alone', async () => {
  const client = await rawSession();
  for (let n = 0; n < 300; n += 1) {
    client.get(2 * n + 1);
    client.send(PING, 0, 0, Buffer.alloc(8));
    await until(() => client.frames(PING).length > n && client.frames(HEADERS).length > n);
  }
  assert.equal(client.closed(), false);
  client.socket.destroy();
});

test('a client that sends SETTINGS for each answer is closed, because they concern all of its streams', async () => {
  const before = await world.closes('flood');
  const client = await rawSession();
  for (let n = 0; n < 300 && !client.closed(); n += 1) {
    client.get(2 * n + 1);
    client.send(SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 65_535 + n));
    await until(() => client.closed() || client.frames(HEADERS).length > n);
  }
  await until(() => client.closed());
  assert.equal(client.frames(GOAWAY)[0]?.payload.subarray(8).toString(), 'too_many_settings');
  await until(async () => (await world.closes('flood')) === before + 1);
});

test('a client that resets its requests before they are answered is closed', async () => {
  const before = await world.closes('flood');
  const client = await rawSession();
  for (let n = 0; n < 5_000; n += 1) {
    client.get(2 * n + 1);
    client.send(RST_STREAM, 0, 2 * n + 1, Buffer.from([0, 0, 0, 8]));
    if (n % 100 === 0) await sleep(5);
  }
  await until(() => client.closed());
  await until(async () => (await world.closes('flood')) === before + 1);
});
