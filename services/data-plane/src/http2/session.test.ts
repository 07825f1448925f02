import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame, GET, POST, rawClient, SETTINGS, setting, word } from '../testing/http2-client.ts';
import { ERROR, FLAG, FRAME, LAST_STREAM_ID, PREFACE, SETTING } from './protocol.ts';
import { Http2Session } from './session.ts';

const { DATA, HEADERS, PRIORITY, RST_STREAM, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, PUSH_PROMISE } = FRAME;
const { END_STREAM, END_HEADERS, PADDED } = FLAG;
const BOTH = END_STREAM | END_HEADERS;
const NO_BYTES = Buffer.alloc(0);

/** A literal field that is not put into a table. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

type Sent = readonly [type: number, flags: number, id: number, payload?: Uint8Array];

/** What a client sends after its preface, and what it is told (RFC 9113). */
const VIOLATIONS: Readonly<Record<string, readonly [complaint: string, ...frames: Sent[]]>> = {
  'DATA on stream 0': ['goaway 1', [DATA, 0, 0, Buffer.from('a')]],
  'DATA on an idle stream': ['goaway 1', [DATA, 0, 1, Buffer.from('a')]],
  'DATA after the end': ['reset 5 of 1', [HEADERS, BOTH, 1, GET], [DATA, END_STREAM, 1, Buffer.from('a')]],
  'DATA on a stream that the client has reset': [
    'reset 5 of 1',
    [HEADERS, END_HEADERS, 1, POST],
    [RST_STREAM, 0, 1, word(8)],
    [DATA, 0, 1, Buffer.from('a')],
  ],
  'padding as long as the payload': ['goaway 1', [HEADERS, END_HEADERS, 1, POST], [DATA, PADDED, 1, Buffer.from([1])]],
  'HEADERS on stream 0': ['goaway 1', [HEADERS, BOTH, 0, GET]],
  'HEADERS on an even stream': ['goaway 1', [HEADERS, BOTH, 2, GET]],
  'HEADERS below the last stream': ['goaway 1', [HEADERS, BOTH, 5, GET], [HEADERS, BOTH, 3, GET]],
  'HEADERS after the end': ['reset 5 of 1', [HEADERS, BOTH, 1, GET], [HEADERS, BOTH, 1, GET]],
  'HEADERS on a closed stream': [
    'goaway 5',
    [HEADERS, BOTH, 1, GET],
    [RST_STREAM, 0, 1, word(8)],
    [HEADERS, BOTH, 1, GET],
  ],
  'HEADERS that do not end the request': [
    'reset 1 of 1',
    [HEADERS, END_HEADERS, 1, POST],
    [HEADERS, END_HEADERS, 1, literal('a', 'b')],
  ],
  'trailers with a pseudo header': [
    'reset 1 of 1',
    [HEADERS, END_HEADERS, 1, POST],
    [HEADERS, BOTH, 1, Buffer.from([0x82])],
  ],
  'a stream that depends on itself': [
    'reset 1 of 1',
    [HEADERS, BOTH | FLAG.PRIORITY, 1, Buffer.concat([word(1), Buffer.from([0]), GET])],
  ],
  'a header block that means nothing': ['goaway 9', [HEADERS, BOTH, 1, Buffer.from([0x80])]],
  'another frame amid a header block': ['goaway 1', [HEADERS, END_STREAM, 1, GET], [PING, 0, 0, Buffer.alloc(8)]],
  'another stream amid a header block': [
    'goaway 1',
    [HEADERS, END_STREAM, 1, GET],
    [CONTINUATION, END_HEADERS, 3, NO_BYTES],
  ],
  'a CONTINUATION of nothing': ['goaway 1', [CONTINUATION, END_HEADERS, 1, GET]],
  'CONTINUATION frames without an end': [
    'goaway 11',
    [HEADERS, 0, 1, GET],
    ...Array.from({ length: 70 }, (): Sent => [CONTINUATION, 0, 1, NO_BYTES]),
  ],
  'a header block without bounds': [
    'goaway 11',
    [HEADERS, 0, 1, GET],
    ...Array.from({ length: 5 }, (): Sent => [CONTINUATION, 0, 1, Buffer.alloc(16_384)]),
  ],
  'PRIORITY on stream 0': ['goaway 1', [PRIORITY, 0, 0, Buffer.alloc(5)]],
  'PRIORITY of a wrong length': ['reset 6 of 1', [HEADERS, END_HEADERS, 1, POST], [PRIORITY, 0, 1, Buffer.alloc(4)]],
  'RST_STREAM on stream 0': ['goaway 1', [RST_STREAM, 0, 0, word(8)]],
  'RST_STREAM of an idle stream': ['goaway 1', [RST_STREAM, 0, 1, word(8)]],
  'RST_STREAM of a wrong length': ['goaway 6', [HEADERS, BOTH, 1, GET], [RST_STREAM, 0, 1, NO_BYTES]],
  'SETTINGS on a stream': ['goaway 1', [FRAME.SETTINGS, 0, 1, NO_BYTES]],
  'SETTINGS of a wrong length': ['goaway 6', [FRAME.SETTINGS, 0, 0, Buffer.alloc(5)]],
  'an acknowledgement with SETTINGS': ['goaway 6', [FRAME.SETTINGS, FLAG.ACK, 0, setting(4, 1)]],
  'ENABLE_PUSH of 2': ['goaway 1', [FRAME.SETTINGS, 0, 0, setting(SETTING.ENABLE_PUSH, 2)]],
  'a window above 2^31-1': ['goaway 3', [FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 2 ** 31)]],
  'a frame size below 16,384': ['goaway 1', [FRAME.SETTINGS, 0, 0, setting(SETTING.MAX_FRAME_SIZE, 16_383)]],
  'a frame size above 2^24-1': ['goaway 1', [FRAME.SETTINGS, 0, 0, setting(SETTING.MAX_FRAME_SIZE, 2 ** 24)]],
  PUSH_PROMISE: ['goaway 1', [PUSH_PROMISE, END_HEADERS, 1, Buffer.alloc(4)]],
  'PING on a stream': ['goaway 1', [PING, 0, 1, Buffer.alloc(8)]],
  'PING of a wrong length': ['goaway 6', [PING, 0, 0, Buffer.alloc(7)]],
  'GOAWAY on a stream': ['goaway 1', [GOAWAY, 0, 1, Buffer.alloc(8)]],
  'WINDOW_UPDATE of nothing': ['goaway 1', [WINDOW_UPDATE, 0, 0, word(0)]],
  'WINDOW_UPDATE of nothing on a stream': ['reset 1 of 1', [HEADERS, BOTH, 1, GET], [WINDOW_UPDATE, 0, 1, word(0)]],
  'WINDOW_UPDATE of an idle stream': ['goaway 1', [WINDOW_UPDATE, 0, 1, word(1)]],
  'WINDOW_UPDATE of a wrong length': ['goaway 6', [WINDOW_UPDATE, 0, 0, Buffer.alloc(3)]],
  'a connection window above 2^31-1': ['goaway 3', [WINDOW_UPDATE, 0, 0, word(2 ** 31 - 1)]],
  'a stream window above 2^31-1': ['reset 3 of 1', [HEADERS, BOTH, 1, GET], [WINDOW_UPDATE, 0, 1, word(2 ** 31 - 1)]],
  'a frame that is too large': ['goaway 6', [DATA, 0, 1, Buffer.alloc(16_385)]],
  'more DATA than was declared': [
    'reset 1 of 1',
    [HEADERS, END_HEADERS, 1, Buffer.concat([POST, literal('content-length', '3')])],
    [DATA, 0, 1, Buffer.from('four')],
  ],
  'less DATA than was declared': [
    'reset 1 of 1',
    [HEADERS, END_HEADERS, 1, Buffer.concat([POST, literal('content-length', '3')])],
    [DATA, END_STREAM, 1, Buffer.from('be')],
  ],
  'a declared length and no DATA': [
    'reset 1 of 1',
    [HEADERS, BOTH, 1, Buffer.concat([POST, literal('content-length', '3')])],
  ],
  'a header list of too many fields': [
    'reset 11 of 1',
    [HEADERS, BOTH, 1, Buffer.concat([GET, ...Array.from({ length: 130 }, () => literal('a', 'b'))])],
  ],
};

for (const [name, [complaint, ...frames]] of Object.entries(VIOLATIONS)) {
  test(`a violation is answered: ${name}`, () => {
    const client = rawClient();
    for (const [type, flags, id, payload] of frames) client.send(type, flags, id, payload);
    assert.equal(client.complaints()[0], complaint);
    assert.equal(client.session.isOver, complaint.startsWith('goaway'));
  });
}

const PSEUDO = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
] as const;

const MALFORMED: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'no method': PSEUDO.slice(1),
  'no scheme': PSEUDO.filter(([name]) => name !== ':scheme'),
  'no path': PSEUDO.filter(([name]) => name !== ':path'),
  'an empty path': [...PSEUDO.filter(([name]) => name !== ':path'), [':path', '']],
  'a pseudo header twice': [...PSEUDO, [':path', '/']],
  'an unknown pseudo header': [...PSEUDO, [':status', '200']],
  'a pseudo header after others': [['a', 'b'], ...PSEUDO],
  'a protocol without CONNECT': [...PSEUDO, [':protocol', 'websocket']],
  'a CONNECT with a path': [[':method', 'CONNECT'], ...PSEUDO.slice(1)],
  'a CONNECT without an authority': [[':method', 'CONNECT']],
  'a capital': [...PSEUDO, ['A', 'b']],
  'an empty name': [...PSEUDO, ['', 'b']],
  'a field of the connection': [...PSEUDO, ['connection', 'close']],
  'a te that is not trailers': [...PSEUDO, ['te', 'trailers, gzip']],
  'a line break in a value': [...PSEUDO, ['a', 'b\nc']],
  'white space after a value': [...PSEUDO, ['a', 'b ']],
  'two lengths': [...PSEUDO, ['content-length', '1'], ['content-length', '1']],
  'a length that is no number': [...PSEUDO, ['content-length', '+1']],
};

for (const [name, fields] of Object.entries(MALFORMED)) {
  test(`a malformed request resets its stream alone: ${name}`, () => {
    const client = rawClient();
    client.send(HEADERS, END_HEADERS, 1, Buffer.concat(fields.map(([one, value]) => literal(one, value))));
    client.send(DATA, END_STREAM, 1, Buffer.from('what was on its way'));
    assert.deepEqual(client.complaints(), ['reset 1 of 1']);
    assert.equal(client.seen.streams.length, 0);
    assert.equal(client.seen.wasted, 1);
    client.get(3);
    assert.equal(client.seen.streams.length, 1);
  });
}

test('a session begins with its settings and window, and acknowledges those of the client', () => {
  const client = rawClient();
  const [settings, update, acknowledged, ...more] = client.take();
  assert.deepEqual([settings?.type, settings?.flags, settings?.id], [FRAME.SETTINGS, 0, 0]);
  assert.deepEqual([update?.type, update?.payload.readUInt32BE(0)], [WINDOW_UPDATE, 200_000 - 65_535]);
  assert.deepEqual([acknowledged?.type, acknowledged?.flags], [FRAME.SETTINGS, FLAG.ACK]);
  assert.deepEqual(more, []);
});

test('bytes that are no preface end the session', () => {
  for (const bytes of ['GET / HTTP/1.1\r\n', `${PREFACE.toString('latin1').slice(0, -1)}\r`]) {
    const client = rawClient();
    const session = new Http2Session(
      { settings: SETTINGS, settingsTimeoutMs: 1_000, now: () => 0 },
      {
        onStream: () => undefined,
        onOutput: () => undefined,
        onIdleFrame: () => undefined,
        onWasted: () => undefined,
        onStreamEnd: () => undefined,
        onPeerGoaway: () => undefined,
        onError: (error) => void client.seen.errors.push(error.message),
      },
    );
    session.receive(Buffer.from(bytes));
    assert.deepEqual(client.seen.errors, ['no preface']);
    assert.ok(session.isOver, 'over');
  }
});

test('streams beyond the most are refused, and there is room again when one ends', () => {
  const client = rawClient({ maxStreams: 2 });
  for (const id of [1, 3, 5]) client.get(id);
  assert.deepEqual(client.complaints(), [`reset ${ERROR.REFUSED_STREAM} of 5`]);
  client.seen.streams[0]?.respond(204, [], true);
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

test('nothing is added to what is not written yet', () => {
  const client = rawClient();
  client.get(1);
  client.seen.streams[0]?.respond(200, [], false);
  client.seen.streams[0]?.write(Buffer.alloc(10));
  client.seen.streams[0]?.end();
  const data = (isCongested: boolean) => Buffer.concat(client.session.take(isCongested)).includes(Buffer.alloc(10));
  assert.equal(data(true), false);
  assert.equal(client.session.hasMore, true);
  assert.equal(data(false), true);
  assert.equal(client.session.hasMore, false);
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

test('a session ends in two steps: what was on its way is served, what comes later is not', () => {
  const client = rawClient();
  client.take();
  client.session.announceEnd();
  assert.deepEqual(
    client.take().map(({ type, payload }) => [type, payload.readUInt32BE(0)]),
    [[GOAWAY, LAST_STREAM_ID]],
  );
  client.get(1);
  client.session.refuseStreams();
  assert.deepEqual(
    client.take().map(({ type, payload }) => [type, payload.readUInt32BE(0)]),
    [[GOAWAY, 1]],
  );
  client.send(HEADERS, END_HEADERS, 3, POST);
  client.send(DATA, END_STREAM, 3, Buffer.from('a'));
  assert.equal(client.seen.streams.length, 1);
  client.seen.streams[0]?.respond(200, [], true);
  assert.equal(client.session.streams, 0);
  assert.deepEqual(client.complaints(), []);
});

test('a PING is acknowledged in its time; what was not asked for means nothing', () => {
  const client = rawClient();
  client.take();
  const rtts: number[] = [];
  assert.equal(
    client.session.ping((rtt) => rtts.push(rtt)),
    true,
  );
  const [sent] = client.take();
  client.seen.now = 7;
  client.send(PING, FLAG.ACK, 0, Buffer.from('nobody 1'));
  assert.deepEqual(rtts, []);
  client.send(PING, FLAG.ACK, 0, sent?.payload);
  client.send(PING, FLAG.ACK, 0, sent?.payload);
  assert.deepEqual(rtts, [7]);
  client.send(PING, 0, 0, Buffer.from('12345678'));
  assert.deepEqual(client.take(), [{ type: PING, flags: FLAG.ACK, id: 0, payload: Buffer.from('12345678') }]);
});

test('settings that are not acknowledged in time end the session with the next stream', () => {
  const seen: string[] = [];
  let now = 0;
  const session = new Http2Session(
    { settings: SETTINGS, settingsTimeoutMs: 1_000, now: () => now },
    {
      onStream: () => void seen.push('stream'),
      onOutput: () => undefined,
      onIdleFrame: () => undefined,
      onWasted: () => undefined,
      onStreamEnd: () => undefined,
      onPeerGoaway: () => undefined,
      onError: ({ code }) => void seen.push(String(code)),
    },
  );
  session.receive(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0), frame(HEADERS, BOTH, 1, GET)]));
  now = 1_001;
  session.receive(frame(HEADERS, BOTH, 3, GET));
  assert.deepEqual(seen, ['stream', String(ERROR.SETTINGS_TIMEOUT)]);
});

test('frames that cost the client nothing and resets in vain are told', () => {
  const client = rawClient();
  client.send(PING, 0, 0, Buffer.alloc(8));
  client.send(FRAME.SETTINGS);
  client.post(1);
  client.send(DATA, 0, 1, NO_BYTES);
  client.send(DATA, PADDED, 1, Buffer.from([0]));
  assert.deepEqual(client.seen.idle, ['ping', 'settings', 'empty_data', 'empty_data']);
  client.send(RST_STREAM, 0, 1, word(8));
  assert.equal(client.seen.wasted, 1);
  client.get(3);
  client.seen.streams.at(-1)?.respond(200, [], false);
  client.send(RST_STREAM, 0, 3, word(8));
  assert.equal(client.seen.wasted, 1);
  assert.equal(client.seen.ended, 2);
});

test('frames of unknown types and reserved bits mean nothing', () => {
  const client = rawClient();
  client.send(0xbe, 0xff, 7, Buffer.from('whatever'));
  client.send(PRIORITY, 0, 9, Buffer.alloc(5));
  const request = frame(HEADERS, BOTH | 0xc2, 1, GET);
  request[5] = 0x80;
  client.session.receive(request);
  assert.equal(client.seen.streams.length, 1);
  assert.deepEqual(client.complaints(), []);
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
