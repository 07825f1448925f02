import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERROR, FLAG, FRAME, PREFACE } from '../http2/protocol.ts';
import { frame, framesOf, GET, POST } from '../testing/http2-client.ts';
import { createWorld, rawClient, until, type World } from '../testing/world.ts';

const { DATA, HEADERS, CONTINUATION, SETTINGS, GOAWAY } = FRAME;
const { END_STREAM, END_HEADERS } = FLAG;
const BOTH = END_STREAM | END_HEADERS;
const LIMIT_MS = 300;

let world: World;

before(async () => {
  world = await createWorld({
    limits: { requestHeadMs: LIMIT_MS },
    onRequest(request, response) {
      if (request.method === 'GET') response.end('hello\n');
      else request.resume().once('end', () => response.end('taken\n'));
    },
  });
});

after(() => world.stop());

async function session() {
  const client = await rawClient(world.httpPort);
  client.socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
  const frames = (type: number) =>
    framesOf(Buffer.from(client.received(), 'latin1')).filter((one) => one.type === type);
  return { ...client, frames };
}

const POST_1 = frame(HEADERS, END_HEADERS, 1, POST);
const WHOLE = frame(HEADERS, BOTH, 3, GET);

/** What begins a head on a session with a request under way, and what comes of it then, again and again. */
const LATE: Readonly<Record<string, readonly [begin: Buffer, more: Buffer]>> = {
  'HEADERS whose block does not end': [frame(HEADERS, END_STREAM, 3, GET), Buffer.alloc(0)],
  'HEADERS of which a part is missing': [WHOLE.subarray(0, -1), Buffer.alloc(0)],
  'a block that goes on without an end': [frame(HEADERS, END_STREAM, 3), frame(CONTINUATION, 0, 3, GET)],
  'a CONTINUATION of which a part is missing': [
    Buffer.concat([frame(HEADERS, END_STREAM, 3), frame(CONTINUATION, END_HEADERS, 3, GET).subarray(0, -1)]),
    Buffer.alloc(0),
  ],
};

for (const [name, [begin, more]] of Object.entries(LATE)) {
  test(`a head that is not whole in time ends its session: ${name}`, async () => {
    const before = await world.closes('first_byte_timeout');
    const start = performance.now();
    const client = await session();
    client.socket.write(Buffer.concat([POST_1, begin]));
    while (!client.closed() && performance.now() - start < 2_000) {
      await sleep(LIMIT_MS / 6);
      client.socket.write(more);
    }
    const took = performance.now() - start;
    assert.ok(took >= LIMIT_MS && took < 1_500, `closed after ${took} ms`);
    const goaway = client.frames(GOAWAY)[0]?.payload;
    // So that the client may ask again on another connection.
    assert.deepEqual([goaway?.readUInt32BE(0), goaway?.readUInt32BE(4)], [1, ERROR.PROTOCOL_ERROR]);
    await until(async () => (await world.closes('first_byte_timeout')) === before + 1);
    client.socket.destroy();
  });
}

test('heads that are whole in time are no reason to end a session, though what is read always ends amid one', async () => {
  const client = await session();
  const requests = Array.from({ length: 20 }, (_, n) => frame(HEADERS, BOTH, 2 * n + 1, GET));
  const bytes = Buffer.concat(requests);
  const length = requests[0]?.length ?? 0;
  client.socket.write(bytes.subarray(0, length - 2));
  for (let at = length - 2; at < bytes.length; at += length) {
    await sleep(LIMIT_MS / 6);
    client.socket.write(bytes.subarray(at, at + length));
  }
  await until(() => client.frames(HEADERS).length === requests.length);
  await sleep(2 * LIMIT_MS);
  assert.equal(client.closed(), false);
  client.socket.destroy();
});

test('a piece of a body may take its time', async () => {
  const client = await session();
  const data = frame(DATA, END_STREAM, 1, Buffer.from('a body'));
  client.socket.write(Buffer.concat([POST_1, data.subarray(0, -1)]));
  await sleep(3 * LIMIT_MS);
  client.socket.write(data.subarray(-1));
  await until(() => client.frames(DATA).some(({ payload }) => payload.toString() === 'taken\n'));
  assert.equal(client.closed(), false);
  client.socket.destroy();
});
