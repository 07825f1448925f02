import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { frame, GET, POST, rawClient, SETTINGS, setting, word } from '../testing/http2-client.ts';
import { FLAG, FRAME, PREFACE, SETTING } from './protocol.ts';
import { Http2Session } from './session.ts';
import type { Http2Stream } from './stream.ts';

/** Answers with what it was asked, trailers too. */
function echo(stream: Http2Stream): void {
  const held: Buffer[] = [];
  let isWhole = stream.peerEnded;
  let trailers: readonly string[] = [];
  let isHeldBack = false;
  stream.respond(200, [...stream.request.headers, 'x-path', stream.request.path ?? ''], false);
  const go = () => {
    while (!isHeldBack) {
      const piece = held.shift();
      if (piece === undefined) break;
      isHeldBack = !stream.write(piece);
      stream.consumed(piece.length);
    }
    if (isWhole && held.length === 0) stream.end(trailers);
  };
  stream.handler = {
    onData(piece) {
      // What is read is a view of bytes that others may use again.
      held.push(Buffer.from(piece));
      go();
    },
    onEnd(list) {
      isWhole = true;
      trailers = list;
      go();
    },
    onRoom() {
      isHeldBack = false;
      go();
    },
    onClose: () => undefined,
  };
  go();
}

/** Cuts bytes into pieces of these lengths, over and over. */
function* pieces(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const length = lengths[index % lengths.length] ?? bytes.length;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** The client's end of a connection whose other end is a session of ours. */
function serve(lengths: readonly number[]): Duplex {
  const write = () => {
    for (const chunk of session.take(false)) for (const piece of pieces(chunk, lengths)) client.push(piece);
    if (session.hasMore) setImmediate(write);
  };
  const client = new Duplex({
    read: () => undefined,
    write(bytes: Buffer, _encoding, callback) {
      for (const piece of pieces(bytes, lengths)) session.receive(Buffer.from(piece));
      callback();
    },
  });
  const session: Http2Session = new Http2Session(
    { settings: SETTINGS, settingsTimeoutMs: 1_000, now: () => performance.now() },
    {
      onStream: echo,
      onOutput: () => void setImmediate(write),
      onIdleFrame: () => undefined,
      onWasted: () => undefined,
      onStreamEnd: () => undefined,
      onPingAck: () => undefined,
      onEndSeen: () => undefined,
      onPeerGoaway: () => undefined,
      onError: (error) => void client.destroy(error),
    },
  );
  return client;
}

const name = fc.stringMatching(/^x-[a-z0-9-]{0,20}$/);
const value = fc.stringMatching(/^(?:[!-~](?:[ -~]{0,80}[!-~])?)?$/);
const headers = fc.dictionary(name, value, { maxKeys: 8 });
const request = fc.record({
  path: fc.stringMatching(/^\/[a-z0-9/?=&%]{0,60}$/),
  headers,
  body: fc.option(fc.array(fc.nat(40_000), { maxLength: 8 }), { nil: undefined }),
  trailers: fc.dictionary(name, value, { maxKeys: 3 }),
});
type Asked = typeof request extends fc.Arbitrary<infer T> ? T : never;

async function ask(client: http2.ClientHttp2Session, { path, headers, body, trailers }: Asked): Promise<void> {
  const stream = client.request(
    { ':method': body === undefined ? 'GET' : 'POST', ':path': path, ...headers },
    { endStream: body === undefined, waitForTrailers: body !== undefined },
  );
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  const sent: Buffer[] = [];
  for (const [index, size] of (body ?? []).entries()) {
    sent.push(Buffer.alloc(size, index + 1));
    stream.write(sent.at(-1));
  }
  if (body !== undefined) stream.end();
  const received: Buffer[] = [];
  let after: http2.IncomingHttpHeaders = {};
  stream.on('data', (chunk: Buffer) => void received.push(chunk));
  stream.on('trailers', (list: http2.IncomingHttpHeaders) => {
    after = list;
  });
  const response = once(stream, 'response');
  await once(stream, 'close');
  const [head] = (await response) as [http2.IncomingHttpHeaders];
  assert.equal(stream.rstCode, 0);
  assert.equal(head['x-path'], path);
  for (const [one, text] of Object.entries(headers)) assert.equal(head[one], text);
  assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)), 'the body came back as it went');
  if (body !== undefined) assert.deepEqual(Object.entries(after), Object.entries(trailers));
}

test('node:http2 gets back what it sends, whatever its windows are and wherever the pieces of the bytes end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 5 }),
      fc.record({
        initialWindowSize: fc.integer({ min: 1, max: 200_000 }),
        headerTableSize: fc.nat(8_192),
        maxFrameSize: fc.integer({ min: 16_384, max: 100_000 }),
      }),
      async (requests, lengths, settings) => {
        // A window of a byte takes a frame for each.
        const window = Math.max(settings.initialWindowSize, 500);
        const client = http2.connect('http://a', {
          createConnection: () => serve(lengths.map((length) => Math.max(length, 200))),
          settings: { ...settings, initialWindowSize: window },
        });
        const failed = once(client, 'error').then(([error]) => Promise.reject(error));
        failed.catch(() => undefined);
        await Promise.race([failed, Promise.all(requests.map((one) => ask(client, one)))]);
        client.destroy();
      },
    ),
    { numRuns: 40 },
  );
});

/** What a client sends in a session with all sorts of frames. */
const TRANSCRIPT = Buffer.concat([
  PREFACE,
  frame(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 100)),
  frame(FRAME.SETTINGS, FLAG.ACK, 0),
  frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, POST),
  frame(FRAME.DATA, FLAG.PADDED, 1, Buffer.concat([Buffer.from([5]), Buffer.from('some bytes'), Buffer.alloc(5)])),
  frame(FRAME.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 0, 1])),
  frame(FRAME.HEADERS, FLAG.END_STREAM, 3, GET.subarray(0, 2)),
  frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 3, GET.subarray(2)),
  frame(FRAME.WINDOW_UPDATE, 0, 0, word(1_000)),
  frame(FRAME.WINDOW_UPDATE, 0, 1, word(1_000)),
  frame(FRAME.PING, 0, 0, Buffer.alloc(8)),
  frame(FRAME.DATA, 0, 1, Buffer.from('more')),
  frame(FRAME.HEADERS, FLAG.END_STREAM | FLAG.END_HEADERS, 1, Buffer.from([0, 1, 0x61, 1, 0x62])),
  frame(FRAME.HEADERS, FLAG.END_HEADERS, 5, POST),
  frame(FRAME.RST_STREAM, 0, 5, word(8)),
  frame(FRAME.GOAWAY, 0, 0, Buffer.alloc(8)),
]);

test('a transcript means the same wherever its pieces end', () => {
  const said = (lengths: readonly number[]) => {
    const bytes: Buffer[] = [];
    const session = sessionThat(echo);
    for (const piece of pieces(TRANSCRIPT, lengths)) session.receive(Buffer.from(piece));
    bytes.push(...session.take(false));
    return Buffer.concat(bytes).toString('hex');
  };
  const whole = said([TRANSCRIPT.length]);
  for (let length = 1; length < TRANSCRIPT.length; length += 1) assert.equal(said([length]), whole);
  for (let at = 1; at < TRANSCRIPT.length; at += 1) assert.equal(said([at, TRANSCRIPT.length]), whole);
});

test('frames that are changed at random never throw, and what waits stays bounded', () => {
  const change = fc.record({ at: fc.nat(TRANSCRIPT.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), fc.integer({ min: 1, max: 60 }), (changes, length) => {
      const bytes = Buffer.from(TRANSCRIPT);
      // The preface alone is not worth so many runs.
      for (const { at, byte } of changes) if (at >= PREFACE.length) bytes[at] = byte;
      const session = sessionThat(echo);
      for (const piece of pieces(bytes, [length])) session.receive(Buffer.from(piece));
      assert.ok(Buffer.concat(session.take(false)).length < 2_000, 'no more is said than was asked');
      assert.ok(session.streams <= SETTINGS.maxStreams, 'no more streams than allowed');
      session.close();
      assert.equal(session.streams, 0);
    }),
    { numRuns: 3_000 },
  );
});

test('frames at random never throw', () => {
  const one = fc.record({
    type: fc.nat(11),
    flags: fc.nat(255),
    id: fc.nat(9),
    payload: fc.oneof(fc.constantFrom(GET, POST), fc.uint8Array({ maxLength: 40 })),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 30 }), (frames) => {
      const client = rawClient();
      for (const { type, flags, id, payload } of frames) client.send(type, flags, id, payload);
      assert.ok(client.session.streams <= SETTINGS.maxStreams, 'no more streams than allowed');
      assert.ok(client.take().length <= 4 * frames.length + 4, 'a few frames for each');
    }),
    { numRuns: 2_000 },
  );
});

function sessionThat(onStream: (stream: Http2Stream) => void): Http2Session {
  return new Http2Session(
    { settings: SETTINGS, settingsTimeoutMs: 1_000, now: () => 0 },
    {
      onStream,
      onOutput: () => undefined,
      onIdleFrame: () => undefined,
      onWasted: () => undefined,
      onStreamEnd: () => undefined,
      onPingAck: () => undefined,
      onEndSeen: () => undefined,
      onPeerGoaway: () => undefined,
      onError: () => undefined,
    },
  );
}
