import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framesOf, literal, PSEUDO, rawClient, setting, word } from '../testing/http2-client.ts';
import { ERROR, FLAG, FRAME, SETTING } from './protocol.ts';

const { DATA, HEADERS, PING, RST_STREAM, WINDOW_UPDATE } = FRAME;
const { END_STREAM, END_HEADERS, PADDED } = FLAG;
const BOTH = END_STREAM | END_HEADERS;

test('streams beyond the most are refused, and there is room again when one ends', () => {
  const client = rawClient({ maxStreams: 2 });
  for (const id of [1, 3, 5]) client.get(id);
  assert.deepEqual(client.complaints(), [`reset ${ERROR.REFUSED_STREAM} of 5`]);
  client.seen.streams[0]?.respond(204, [], true);
  client.take();
  client.get(7);
  assert.equal(client.seen.streams.length, 3);
});

test('an answer goes as far as both windows, in the order of turns, and on with them', () => {
  const client = rawClient();
  client.send(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 10));
  client.get(1);
  const [stream] = client.seen.streams;
  stream?.respond(200, [], false);
  assert.equal(stream?.write(Buffer.alloc(25)), true);
  stream?.end(['x-sum', '1']);
  const sent = () => client.take().filter(({ type }) => type === DATA || type === HEADERS);
  assert.deepEqual(
    sent().map(({ type, payload }) => [type, payload.length]),
    [
      [HEADERS, 1],
      [DATA, 10],
    ],
  );
  client.send(WINDOW_UPDATE, 0, 1, word(5));
  assert.deepEqual(
    sent().map(({ payload }) => payload.length),
    [5],
  );
  // Open streams follow the settings, and a window may be below nothing.
  client.send(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 0));
  client.send(WINDOW_UPDATE, 0, 1, word(10));
  assert.deepEqual(sent(), []);
  client.send(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 100));
  const last = sent();
  assert.deepEqual(
    last.map(({ type, flags }) => [type, flags]),
    [
      [DATA, 0],
      [HEADERS, BOTH],
    ],
  );
  assert.equal(last[0]?.payload.length, 10);
  assert.equal(client.session.streams, 0);
});

test('who writes more than the client takes is told to wait, and when to go on', () => {
  const client = rawClient();
  client.get(1);
  const [stream] = client.seen.streams;
  let drained = 0;
  if (stream !== undefined) {
    stream.handler = {
      onData: () => undefined,
      onEnd: () => undefined,
      onClose: () => undefined,
      onRoom: () => {
        drained += 1;
      },
    };
  }
  stream?.respond(200, [], false);
  assert.equal(stream?.write(Buffer.alloc(100_000)), false);
  client.take();
  assert.equal(drained, 0);
  client.send(WINDOW_UPDATE, 0, 0, word(100_000));
  client.send(WINDOW_UPDATE, 0, 1, word(100_000));
  client.take();
  assert.equal(drained, 1);
});

test('small pieces that wait for a window are put together, and come as they were written', () => {
  const client = rawClient();
  client.send(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 0));
  client.get(1);
  const [stream] = client.seen.streams;
  stream?.respond(200, [], false);
  const pieces = Array.from({ length: 20_000 }, (_, n) => Buffer.alloc(n % 50 === 0 ? 600 : n % 3, n % 251));
  const data = () => client.take().filter(({ type }) => type === DATA);
  const received: Buffer[] = [];
  let frames = 0;
  for (const [n, piece] of pieces.entries()) {
    stream?.write(piece);
    // Some of what was put together goes out, and more is added to the rest.
    if (n % 1_000 !== 500) continue;
    client.send(WINDOW_UPDATE, 0, 1, word(700));
    received.push(...data().map(({ payload }) => payload));
  }
  stream?.end();
  client.send(WINDOW_UPDATE, 0, 1, word(1_000_000));
  client.send(WINDOW_UPDATE, 0, 0, word(1_000_000));
  while (client.session.hasMore) {
    const some = data();
    frames += some.length;
    received.push(...some.map(({ payload }) => payload));
  }
  assert.ok(Buffer.concat(received).equals(Buffer.concat(pieces)), 'as they were written');
  assert.ok(frames < 100, `${frames} frames`);
});

test('nothing of an answer is added to what is not written yet', () => {
  const client = rawClient();
  client.get(1);
  client.take();
  const [stream] = client.seen.streams;
  stream?.inform(103, ['link', '</a>']);
  stream?.respond(200, [], false);
  stream?.write(Buffer.alloc(10));
  stream?.end();
  client.send(PING, 0, 0, Buffer.alloc(8));
  const types = (isCongested: boolean) =>
    framesOf(Buffer.concat(client.session.take(isCongested))).map(({ type }) => type);
  assert.deepEqual(types(true), [PING]);
  assert.equal(client.session.hasMore, true);
  assert.deepEqual(types(false), [HEADERS, HEADERS, DATA]);
  assert.equal(client.session.hasMore, false);
});

test('a head needs no window; what follows it waits for one', () => {
  const client = rawClient();
  client.get(1);
  client.get(3);
  const [first, second] = client.seen.streams;
  first?.respond(200, [], false);
  first?.write(Buffer.alloc(65_535));
  client.take();
  second?.respond(200, [], false);
  second?.write(Buffer.alloc(10));
  second?.end();
  const sent = () => client.take().map(({ type, flags, id, payload }) => [type, flags, id, payload.length]);
  assert.deepEqual(sent(), [[HEADERS, END_HEADERS, 3, 1]]);
  assert.equal(client.session.hasMore, false);
  client.send(WINDOW_UPDATE, 0, 0, word(100));
  assert.deepEqual(sent(), [[DATA, END_STREAM, 3, 10]]);
});

test('what waits for a client that does not read is bounded, whatever it asks for', () => {
  const client = rawClient({ maxStreams: 200 });
  const answer = ['x-long', 'a'.repeat(11_000)];
  let waiting = 0;
  for (let n = 0; n < 1_000; n += 1) {
    client.get(2 * n + 1);
    client.seen.streams.at(-1)?.respond(200, answer, true);
    for (const chunk of client.session.take(true)) waiting += chunk.length;
  }
  assert.equal(client.session.streams, 200);
  // Whoever counts them ends the session before.
  assert.equal(client.seen.wasted, 800);
  assert.ok(waiting < 20_000, `${waiting} bytes wait`);
});

test('a stream that is reset before its head has left is a wasted one', () => {
  const client = rawClient();
  client.get(1);
  client.seen.streams[0]?.respond(200, [], true);
  client.session.take(true);
  client.send(RST_STREAM, 0, 1, word(8));
  assert.equal(client.seen.wasted, 1);
  assert.deepEqual(
    client.take().filter(({ type }) => type === HEADERS),
    [],
  );
});

test('one turn writes no more heads than bodies', () => {
  const client = rawClient({ maxStreams: 200 });
  for (let n = 0; n < 200; n += 1) client.get(2 * n + 1);
  for (const stream of client.seen.streams) stream.respond(200, ['x-long', 'a'.repeat(11_000)], true);
  const sizes: number[] = [];
  do {
    sizes.push(client.session.take(false).reduce((sum, { length }) => sum + length, 0));
  } while (client.session.hasMore);
  assert.equal(client.session.streams, 0);
  assert.ok(sizes.length > 4 && Math.max(...sizes) < 300_000, `turns of ${sizes} bytes`);
});

test('windows are given back as the reader takes the body, padding at once, and are enforced', () => {
  const client = rawClient({ connectionWindowBytes: 100_000 });
  const stream = client.post(1);
  const pieces: Buffer[] = [];
  stream.handler = {
    onData: (piece) => void pieces.push(piece),
    onEnd: () => undefined,
    onRoom: () => undefined,
    onClose: () => undefined,
  };
  client.take();
  const updates = () => client.take().map(({ type, id, payload }) => [type, id, payload.readUInt32BE(0)]);
  const padded = Buffer.concat([Buffer.from([200]), Buffer.alloc(10_000), Buffer.alloc(200)]);
  for (let n = 0; n < 6; n += 1) client.send(DATA, PADDED, 1, padded);
  assert.equal(Buffer.concat(pieces).length, 60_000);
  assert.deepEqual(updates(), []);
  stream.consumed(60_000);
  assert.deepEqual(updates(), [
    [WINDOW_UPDATE, 0, 61_206],
    [WINDOW_UPDATE, 1, 61_206],
  ]);
  for (let n = 0; n < 6; n += 1) client.send(DATA, 0, 1, Buffer.alloc(16_384));
  assert.deepEqual(client.complaints(), []);
  client.send(DATA, 0, 1, Buffer.alloc(16_384));
  assert.deepEqual(client.complaints(), ['goaway 3']);
});

test('what comes after the end of a stream that was reset is not what was on its way', () => {
  const ends = [
    [DATA, END_STREAM, Buffer.from('a')],
    [HEADERS, BOTH, literal('x-sum', '1')],
  ] as const;
  for (const [type, flags, payload] of ends) {
    const client = rawClient();
    client.post(1).reset(ERROR.CANCEL);
    client.send(type, flags, 1, payload);
    assert.deepEqual(client.complaints(), ['reset 8 of 1']);
    client.send(DATA, 0, 1, Buffer.from('a'));
    assert.deepEqual(client.complaints(), ['reset 5 of 1']);
    assert.equal(client.seen.wasted, 1);
    client.send(HEADERS, BOTH, 1, literal('x-sum', '1'));
    assert.deepEqual(client.complaints(), ['goaway 5']);
  }
});

test('what was on its way when a stream was reset is passed over, and its bytes are given back', () => {
  const client = rawClient({ connectionWindowBytes: 65_535 });
  client.post(1).reset(ERROR.CANCEL);
  assert.deepEqual(client.complaints(), ['reset 8 of 1']);
  for (let n = 0; n < 10; n += 1) client.send(DATA, 0, 1, Buffer.alloc(16_384));
  client.send(HEADERS, BOTH, 1, literal('x-sum', '1'));
  assert.deepEqual(client.complaints(), []);
  assert.equal(client.session.isOver, false);
});

test('an upload is called off when its answer is whole, a tunnel that is refused too; one that is not goes on', () => {
  const client = rawClient();
  const stream = client.post(1);
  stream.respond(200, [], false);
  stream.end();
  assert.deepEqual(client.complaints(), ['reset 0 of 1']);
  assert.ok(stream.isAnswered, 'answered');
  const connect = [[':method', 'CONNECT'], [':protocol', 'websocket'], ...PSEUDO.slice(1)] as const;
  const block = Buffer.concat(connect.map(([name, value]) => literal(name, value)));
  client.send(HEADERS, END_HEADERS, 3, block);
  const tunnel = client.seen.streams.at(-1);
  assert.equal(tunnel?.request.protocol, 'websocket');
  tunnel?.respond(200, [], false);
  tunnel?.end();
  assert.deepEqual(client.complaints(), []);
  client.send(DATA, END_STREAM, 3, Buffer.from('last words'));
  assert.equal(client.session.streams, 0);
  client.send(HEADERS, END_HEADERS, 5, block);
  client.seen.streams.at(-1)?.respond(401, [], true);
  assert.deepEqual(client.complaints(), ['reset 0 of 5']);
  assert.equal(client.session.streams, 0);
});

test('white space within a value of an answer costs no more than its length', () => {
  const client = rawClient();
  client.get(1);
  const start = performance.now();
  assert.equal(client.seen.streams[0]?.respond(200, ['x', `a${' '.repeat(100_000)}b`], true), true);
  assert.ok(performance.now() - start < 1_000, 'within a second');
});

test('an answer that HTTP/2 forbids resets its stream', () => {
  const client = rawClient();
  for (const [index, fields] of [
    ['connection', 'close'],
    ['a b', 'c'],
    ['a', 'b\r\nc'],
  ].entries()) {
    client.get(2 * index + 1);
    assert.equal(client.seen.streams.at(-1)?.respond(200, fields, true), false);
    assert.deepEqual(client.complaints(), [`reset 2 of ${2 * index + 1}`]);
  }
});

test('the same request again is read from memory only while the table is the same', () => {
  const client = rawClient();
  // It adds `x: a` to the table; then index 62 is that, and after the next that one.
  const get = Buffer.from([0x82, 0x86, 0x84, 0x01, 1, 0x61]);
  const add = (value: string) => Buffer.concat([get, Buffer.from([0x40, 1, 0x78, 1]), Buffer.from(value)]);
  const refer = Buffer.concat([get, Buffer.from([0xbe])]);
  const blocks = [add('a'), refer, refer, add('b'), refer];
  for (const [index, block] of blocks.entries()) {
    client.send(HEADERS, BOTH, 2 * index + 1, block);
    client.seen.streams.at(-1)?.respond(204, [], true);
  }
  assert.deepEqual(
    client.seen.streams.map(({ request }) => request.headers),
    ['a', 'a', 'a', 'b', 'b'].map((value) => ['x', value]),
  );
  assert.equal(client.seen.streams[1]?.request, client.seen.streams[2]?.request);
});

test('an answer is called off when the client gives no window for long, however much it gives to others', () => {
  const client = rawClient();
  client.send(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 0));
  for (const id of [1, 3, 5, 7]) client.get(id);
  const [stuck, fed, done, silent] = client.seen.streams;
  for (const stream of client.seen.streams) stream.respond(200, [], false);
  for (const stream of [stuck, fed, done]) stream?.write(Buffer.alloc(100));
  // All that the backend had to say, so that nobody but the client is awaited.
  done?.end();
  client.take();
  assert.equal(client.session.isBlocked, true);
  for (client.seen.now = 400; client.seen.now < 1_000; client.seen.now += 200) {
    client.send(WINDOW_UPDATE, 0, 0, word(1));
    client.send(WINDOW_UPDATE, 0, 3, word(1));
    // More to say is nothing that was sent.
    stuck?.write(Buffer.from('a'));
    assert.deepEqual(client.complaints(), []);
    assert.equal(client.session.resetStalled(1_000), 0);
  }
  assert.equal(client.session.resetStalled(1_000), 2);
  assert.deepEqual(client.complaints(), ['reset 8 of 1', 'reset 8 of 5']);
  assert.deepEqual([stuck?.isOver, fed?.isOver, done?.isOver, silent?.isOver], [true, false, true, false]);
  assert.equal(client.seen.wasted, 0);
  client.send(WINDOW_UPDATE, 0, 3, word(1_000));
  client.take();
  assert.equal(client.session.isBlocked, false);
});

test('an answer whose turn has not come is not called off while the client gives window to all together', () => {
  const client = rawClient();
  client.get(1);
  client.get(3);
  for (const stream of client.seen.streams) {
    stream.respond(200, [], false);
    stream.write(Buffer.alloc(65_535));
  }
  client.take();
  for (client.seen.now = 500; client.seen.now < 3_000; client.seen.now += 500) {
    client.send(WINDOW_UPDATE, 0, 0, word(10));
    client.take();
    assert.equal(client.session.resetStalled(1_000), 0);
  }
  client.seen.now += 1_000;
  assert.equal(client.session.resetStalled(1_000), 2);
});

test('an answer that got window waits for the socket, and is not called off for want of a window', () => {
  const client = rawClient();
  client.send(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 0));
  client.get(1);
  client.seen.streams[0]?.respond(200, [], false);
  client.seen.streams[0]?.write(Buffer.alloc(100));
  client.take();
  assert.equal(client.session.isBlocked, true);
  client.seen.now = 900;
  client.send(WINDOW_UPDATE, 0, 1, word(100));
  client.session.take(true);
  client.seen.now = 1_100;
  assert.equal(client.session.resetStalled(1_000), 0);
  assert.deepEqual(
    client.take().map(({ type }) => type),
    [FRAME.DATA],
  );
});

test('a tunnel whose client takes nothing stays', () => {
  const client = rawClient();
  client.send(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 0));
  const connect = [[':method', 'CONNECT'], [':protocol', 'websocket'], ...PSEUDO.slice(1)] as const;
  client.send(HEADERS, END_HEADERS, 1, Buffer.concat(connect.map(([name, value]) => literal(name, value))));
  const [tunnel] = client.seen.streams;
  tunnel?.respond(200, [], false);
  tunnel?.write(Buffer.alloc(10));
  client.take();
  client.seen.now = 10_000;
  assert.equal(client.session.resetStalled(1_000), 0);
  assert.equal(tunnel?.isOver, false);
});
