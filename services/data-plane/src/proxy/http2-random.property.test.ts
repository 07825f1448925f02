import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { ERROR, FLAG, FRAME, PREFACE, SETTING } from '../http2/protocol.ts';
import { frame, GET, literal, POST, PSEUDO, setting, word } from '../testing/http2-client.ts';
import { createWorld, rawClient, until, type World } from '../testing/world.ts';

const { END_STREAM, END_HEADERS } = FLAG;
const RUNS = 150;
let world: World;

/** A backend that answers in all ways, the next with each request. */
const ANSWERS: readonly ((response: ServerResponse) => void)[] = [
  (response) => void response.end('whole'),
  (response) => void response.writeHead(204).end(),
  (response) => void response.writeHead(200).write('a beginning'),
  (response) => void response.end(Buffer.alloc(100_000)),
  (response) => {
    response.writeEarlyHints({ link: '</a>' });
    response.writeHead(200, { trailer: 'x-sum' });
    response.addTrailers({ 'x-sum': '1' });
    response.end('with trailers');
  },
  (response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('too little', () => response.destroy());
  },
  (response) => void response.destroy(),
  () => undefined,
];

before(async () => {
  let next = 0;
  world = await createWorld({
    limits: { http2Resets: { burst: 1_000_000, perSecond: 0 }, sendIdleMs: 100 },
    onRequest(request, response) {
      request.resume();
      response.on('error', () => undefined);
      next += 1;
      ANSWERS[next % ANSWERS.length]?.(response);
    },
  });
});

after(() => world.stop());

const EXTENDED_CONNECT = Buffer.concat(
  ([[':method', 'CONNECT'], [':protocol', 'websocket'], ...PSEUDO.slice(1)] as const).map(([name, value]) =>
    literal(name, value),
  ),
);
/** A frame, for the newest stream or one before it. */
type Step = (newest: number) => Buffer;
const OPENING = [GET, POST, EXTENDED_CONNECT, Buffer.concat([POST, literal('content-length', '3')])];
const isLast = fc.boolean().map((is) => (is ? END_STREAM : 0));
/** How far back; few sessions outlive a frame of a stream that there never was. */
const back = fc.nat(3);
const at = (newest: number, steps: number) => Math.max(1, newest - 2 * steps);

const open = fc.tuple(fc.constantFrom(...OPENING), isLast).map(
  ([block, flag]): Step =>
    (newest) =>
      frame(FRAME.HEADERS, END_HEADERS | flag, newest, block),
);
const trailers = fc.tuple(back, isLast).map(
  ([steps, flag]): Step =>
    (newest) =>
      frame(FRAME.HEADERS, END_HEADERS | flag, at(newest, steps), literal('x', 'y')),
);
const data = fc.tuple(back, fc.nat(16_384), isLast).map(
  ([steps, bytes, flag]): Step =>
    (newest) =>
      frame(FRAME.DATA, flag, at(newest, steps), Buffer.alloc(bytes)),
);
const reset = back.map(
  (steps): Step =>
    (newest) =>
      frame(FRAME.RST_STREAM, 0, at(newest, steps), word(ERROR.CANCEL)),
);
const update = fc.tuple(fc.option(back), fc.nat(100_000)).map(
  ([steps, bytes]): Step =>
    (newest) =>
      frame(FRAME.WINDOW_UPDATE, 0, steps === null ? 0 : at(newest, steps), word(bytes + 1)),
);
const ofSession = fc.constantFrom(
  frame(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 0)),
  frame(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 65_535)),
  frame(FRAME.PING, 0, 0, Buffer.alloc(8)),
  frame(FRAME.GOAWAY, 0, 0, Buffer.alloc(8)),
);
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ opens: fc.constant(true), step: open }) },
    {
      weight: 5,
      arbitrary: fc.record({
        opens: fc.constant(false),
        step: fc.oneof(
          data,
          reset,
          update,
          trailers,
          ofSession.map(
            (bytes): Step =>
              () =>
                bytes,
          ),
        ),
      }),
    },
  ),
  { minLength: 1, maxLength: 25 },
);

test('whatever frames clients send and however backends answer, nothing unforeseen is thrown and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(3), async (list, turns) => {
      const client = await rawClient(world.httpPort);
      client.socket.write(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0)]));
      client.socket.write(frame(FRAME.HEADERS, END_HEADERS, 1, POST));
      let newest = 1;
      for (const { opens, step } of list) {
        if (opens) newest += 2;
        client.socket.write(step(newest));
        for (let n = 0; n < turns; n += 1) await new Promise(setImmediate);
      }
      // With some the backend has the time to answer.
      await sleep(10 * turns);
      client.socket.end();
      await until(() => client.closed());
      client.socket.destroy();
    }),
    { numRuns: RUNS },
  );
  await until(async () => (await world.connections()).length === 0);
  await until(async () => (await world.upstreams()).every(({ requests }) => requests === 0));
  const faults = (await world.metrics()).split('\n').filter((line) => line.startsWith('pulseplane_faults_total'));
  assert.deepEqual(
    faults.filter((line) => !line.endsWith(' 0')),
    [],
  );
});
