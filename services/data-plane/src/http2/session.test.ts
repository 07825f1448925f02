import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame, GET, POST, rawClient, SETTINGS, word } from '../testing/http2-client.ts';
import { ERROR, FLAG, FRAME, LAST_STREAM_ID, PREFACE } from './protocol.ts';
import { Http2Session } from './session.ts';

const { DATA, HEADERS, PRIORITY, RST_STREAM, PING, GOAWAY, WINDOW_UPDATE } = FRAME;
const { END_STREAM, END_HEADERS, PADDED } = FLAG;
const BOTH = END_STREAM | END_HEADERS;
const NO_BYTES = Buffer.alloc(0);

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
        onPingAck: () => undefined,
        onEndSeen: () => undefined,
        onPeerGoaway: () => undefined,
        onError: (error) => void client.seen.errors.push(error.message),
      },
    );
    session.receive(Buffer.from(bytes));
    assert.deepEqual(client.seen.errors, ['no preface']);
    assert.ok(session.isOver, 'over');
  }
});

test('a session ends in two steps: what was on its way is served, what comes later is not', () => {
  const client = rawClient();
  client.take();
  client.session.announceEnd();
  assert.deepEqual(
    client.take().map(({ type, payload }) => [type, payload.readUInt32BE(0)]),
    [
      [GOAWAY, LAST_STREAM_ID],
      [PING, 0],
    ],
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
  assert.deepEqual(client.complaints(), []);
  assert.equal(client.session.streams, 0);
});

test('a PING is acknowledged in its time; what was not asked for means nothing', () => {
  const client = rawClient();
  client.take();
  const { rtts } = client.seen;
  client.session.ping();
  const [sent] = client.take();
  client.seen.now = 7;
  client.send(PING, FLAG.ACK, 0, Buffer.from('nobody 1'));
  assert.deepEqual(rtts, []);
  client.send(PING, FLAG.ACK, 0, sent?.payload);
  client.send(PING, FLAG.ACK, 0, sent?.payload);
  assert.deepEqual(rtts, [7]);
  assert.equal(client.seen.endsSeen, 0);
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
      onPingAck: () => undefined,
      onEndSeen: () => undefined,
      onPeerGoaway: () => undefined,
      onError: ({ code }) => void seen.push(String(code)),
    },
  );
  session.receive(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0), frame(HEADERS, BOTH, 1, GET)]));
  now = 1_001;
  session.receive(frame(HEADERS, BOTH, 3, GET));
  assert.deepEqual(seen, ['stream', String(ERROR.SETTINGS_TIMEOUT)]);
});

test('of two PINGs the last is waited for', () => {
  const client = rawClient();
  client.take();
  client.session.ping();
  client.seen.now = 5;
  client.session.ping();
  const [first, second] = client.take();
  client.seen.now = 7;
  client.send(PING, FLAG.ACK, 0, first?.payload);
  assert.deepEqual(client.seen.rtts, []);
  client.send(PING, FLAG.ACK, 0, second?.payload);
  assert.deepEqual(client.seen.rtts, [2]);
});

test('the announcement of the end is seen when the PING after it is acknowledged, once, and not before it was made', () => {
  const client = rawClient();
  client.take();
  client.send(PING, FLAG.ACK, 0, Buffer.alloc(8));
  assert.equal(client.seen.endsSeen, 0);
  client.session.announceEnd();
  client.session.ping();
  const [goaway, end, alive] = client.take();
  assert.deepEqual([goaway?.type, end?.type, alive?.type], [FRAME.GOAWAY, PING, PING]);
  client.send(PING, FLAG.ACK, 0, end?.payload);
  assert.equal(client.seen.endsSeen, 1);
  assert.deepEqual(client.seen.rtts, []);
  client.send(PING, FLAG.ACK, 0, end?.payload);
  client.send(PING, FLAG.ACK, 0, alive?.payload);
  assert.equal(client.seen.endsSeen, 1);
  assert.deepEqual(client.seen.rtts, [0]);
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
  client.take();
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
