import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { test } from 'node:test';
import { createWorld, until } from '../testing/world.ts';

const CLIENTS = 8;
/** Less than the window of a stream, so that the worker holds most of it. */
const BYTES = 200_000;

test('bodies that wait for their backends do not mix, though all clients are read into one buffer', async (t) => {
  const held: { request: IncomingMessage; response: ServerResponse }[] = [];
  const world = await createWorld({ onRequest: (request, response) => void held.push({ request, response }) });
  t.after(() => world.stop());
  const bodies = Array.from({ length: CLIENTS }, () => randomBytes(BYTES));
  const sessions = bodies.map(() => http2.connect(`http://127.0.0.1:${world.httpPort}`));
  t.after(() => sessions.forEach((session) => void session.destroy()));
  const hash = (body: Buffer) => createHash('sha256').update(body).digest('hex');
  const answers = sessions.map(async (session, index) => {
    const body = bodies[index] ?? assert.fail('a client without a body');
    const stream = session.request({ ':method': 'POST', ':path': '/upload' });
    stream.end(body);
    let answer = '';
    for await (const piece of stream) answer += String(piece);
    return answer === hash(body);
  });
  await until(() => held.length === CLIENTS);
  await Promise.all(
    held.map(async ({ request, response }) => {
      const received = createHash('sha256');
      request.on('data', (piece) => void received.update(piece));
      await once(request, 'end');
      response.end(received.digest('hex'));
    }),
  );
  assert.deepEqual(
    await Promise.all(answers),
    Array.from({ length: CLIENTS }, () => true),
  );
});
