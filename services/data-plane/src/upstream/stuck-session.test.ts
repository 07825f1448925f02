import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLAG, FRAME } from '../http2/protocol.ts';
import { worldInFrontOf } from '../testing/http2-backend.ts';
import { frame, setting, word } from '../testing/http2-client.ts';
import { until, type World } from '../testing/world.ts';

const OK = Buffer.from([0x88]);
const answerTo = (stream: number) => frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, stream, OK);
const MAX_CONCURRENT_STREAMS = 3;
const INITIAL_WINDOW_SIZE = 4;
const WINDOW_BYTES = 100_000_000;
/** More than two kernels hold. */
const UPLOAD_BYTES = 30_000_000;
/** Longer than it takes to find a session that has stopped. */
const LONG_MS = 3_000;

async function ask({ httpPort }: World, body?: Buffer): Promise<number> {
  const method = body === undefined ? 'GET' : 'POST';
  const response = await fetch(`http://127.0.0.1:${httpPort}/`, { method, ...(body && { body }) });
  await response.arrayBuffer();
  return response.status;
}

for (const [what, broken] of [
  ['is larger than a frame may be', frame(FRAME.DATA, 0, 1, Buffer.alloc(40_000))],
  ['comes before its HEADERS', frame(FRAME.DATA, 0, 1)],
] as const) {
  test(`a session on which DATA ${what} is ended, with all that waits on it, and another one made`, async (t) => {
    let isBroken = true;
    const { world, sockets, stop } = await worldInFrontOf((type, stream) => {
      if (type !== FRAME.HEADERS) return undefined;
      return isBroken ? broken : answerTo(stream);
    });
    t.after(stop);
    const first = ask(world);
    await until(() => sockets.length === 1);
    await sleep(100);
    const second = ask(world);
    isBroken = false;
    const startedAt = performance.now();
    assert.deepEqual(await Promise.all([first, second]), [503, 503]);
    assert.ok(performance.now() - startedAt < 5_000);
    assert.equal(await ask(world), 200);
    assert.equal(sockets.length, 2);
  });
}

test('a session on which the backend breaks HTTP/2 and that it ends then is ended', async (t) => {
  const { world, sockets, stop } = await worldInFrontOf((type) =>
    type === FRAME.HEADERS ? frame(FRAME.DATA, 0, 1) : undefined,
  );
  t.after(stop);
  const only = ask(world);
  await until(() => sockets.length === 1);
  await sleep(100);
  sockets[0]?.end();
  assert.equal(await only, 503);
});

test('a session whose requests wait for a place at the backend, or for their answer, is left alone', async (t) => {
  const streams: number[] = [];
  const held = (type: number, stream: number) => {
    if (type === FRAME.HEADERS) streams.push(stream);
    return undefined;
  };
  const { world, sockets, stop } = await worldInFrontOf(held, setting(MAX_CONCURRENT_STREAMS, 2));
  t.after(stop);
  const asked = [1, 2, 3, 4].map(() => ask(world));
  await until(() => streams.length === 2);
  await sleep(LONG_MS);
  for (let answered = 0; answered < 4; answered += 1) {
    await until(() => streams.length > answered);
    sockets[0]?.write(answerTo(streams[answered] ?? 0));
  }
  assert.deepEqual(await Promise.all(asked), [200, 200, 200, 200]);
  assert.equal(sockets.length, 1);
});

test('a session is left alone when a request is given up that waited for a place at the backend', async (t) => {
  const streams: number[] = [];
  const held = (type: number, stream: number) => {
    if (type === FRAME.HEADERS) streams.push(stream);
    return undefined;
  };
  const { world, sockets, stop } = await worldInFrontOf(held, setting(MAX_CONCURRENT_STREAMS, 1));
  t.after(stop);
  const first = ask(world);
  await until(() => streams.length === 1);
  const gone = new AbortController();
  const given = fetch(`http://127.0.0.1:${world.httpPort}/`, { signal: gone.signal });
  await sleep(100);
  gone.abort();
  await assert.rejects(given);
  await sleep(LONG_MS);
  sockets[0]?.write(answerTo(streams[0] ?? 0));
  assert.equal(await first, 200);
  assert.equal(streams.length, 1);
});

/** That the window of the whole session holds nothing back. */
const WIDE = frame(FRAME.WINDOW_UPDATE, 0, 0, word(WINDOW_BYTES));

test('a session whose backend reads nothing for a while is left alone', async (t) => {
  const { world, sockets, stop } = await worldInFrontOf(
    (type, stream) => {
      if (type === FRAME.SETTINGS) return WIDE;
      return type === FRAME.HEADERS && stream > 1 ? answerTo(stream) : undefined;
    },
    setting(INITIAL_WINDOW_SIZE, WINDOW_BYTES),
  );
  t.after(stop);
  const upload = ask(world, Buffer.alloc(UPLOAD_BYTES));
  await until(() => sockets[0] !== undefined);
  sockets[0]?.pause();
  await sleep(500);
  // It waits behind what the kernel has no room for.
  const later = ask(world);
  await sleep(LONG_MS);
  sockets[0]?.resume();
  assert.equal(await later, 200);
  assert.equal(sockets.length, 1);
  sockets[0]?.destroy();
  assert.equal(await upload, 503);
});
