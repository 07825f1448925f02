import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { FRAME, PREFACE } from '../http2/protocol.ts';
import { frame, framesOf, GET } from '../testing/http2-client.ts';
import { createWorld, rawClient, until } from '../testing/world.ts';

const { HEADERS, RST_STREAM, SETTINGS, GOAWAY } = FRAME;
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
