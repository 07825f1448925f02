import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GET, literal, POST, PSEUDO, rawClient, setting, word } from '../testing/http2-client.ts';
import { FLAG, FRAME, SETTING } from './protocol.ts';

const { DATA, HEADERS, PRIORITY, RST_STREAM, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, PUSH_PROMISE } = FRAME;
const { END_STREAM, END_HEADERS, PADDED } = FLAG;
const BOTH = END_STREAM | END_HEADERS;
const NO_BYTES = Buffer.alloc(0);

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
