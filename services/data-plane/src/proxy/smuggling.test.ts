import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld, rawClient, until, type World } from '../testing/world.ts';

let world: World;
/** What reached the backend: method, target and body. */
let seen: string[] = [];
let lastHeaders: string[] = [];

before(async () => {
  world = await createWorld({ onRequest });
});

after(() => world.stop());

beforeEach(() => {
  seen = [];
});

function onRequest(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  lastHeaders = Object.keys(request.headers);
  request.setEncoding('latin1').on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const host = request.headers.host === 'a' ? '' : ` @${request.headers.host}`;
    seen.push(`${request.method} ${request.url}${host}${body === '' ? '' : ` ${JSON.stringify(body)}`}`);
    response.end('served\n');
  });
}

const NEXT = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (headers: string, body: string) => `POST /x HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n${body}`;
const chunked = (body: string) => post('Transfer-Encoding: chunked', body);

/** Each is answered with 400, the connection ends, and the backend hears of nothing. */
const REFUSED: Readonly<Record<string, string>> = {
  'length and chunked': post('Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${NEXT}`),
  'chunked and length': post('Transfer-Encoding: chunked\r\nContent-Length: 4', `0\r\n\r\n${NEXT}`),
  'two lengths that differ': post('Content-Length: 0\r\nContent-Length: 40', NEXT),
  'two lengths that agree': post('Content-Length: 4\r\nContent-Length: 4', 'body'),
  'a list of lengths': post('Content-Length: 4, 4', 'body'),
  'a length with a sign': post('Content-Length: +4', 'body'),
  'a negative length': post('Content-Length: -4', 'body'),
  'a length in hex': post('Content-Length: 0x4', 'body'),
  'a length with a space within': post('Content-Length: 4 0', `body${NEXT}`),
  'a length that overflows 64 bits': post('Content-Length: 18446744073709551617', 'b'),
  'an empty length': post('Content-Length:', NEXT),
  'a length with a tab before the colon': post('Content-Length\t: 4', 'body'),
  'a length with a space before the colon': post('Content-Length : 4', 'body'),
  'chunked with a space before the colon': post('Transfer-Encoding : chunked', `0\r\n\r\n${NEXT}`),
  'chunked not last': post('Transfer-Encoding: chunked, identity', `0\r\n\r\n${NEXT}`),
  'chunked twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', `0\r\n\r\n${NEXT}`),
  'chunked, then identity in a line of its own': post(
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    `0\r\n\r\n${NEXT}`,
  ),
  'a coding that is not chunked': post('Transfer-Encoding: gzip', 'body'),
  identity: post('Transfer-Encoding: identity', 'body'),
  xchunked: post('Transfer-Encoding: xchunked', `0\r\n\r\n${NEXT}`),
  'chunked in quotes': post('Transfer-Encoding: "chunked"', `0\r\n\r\n${NEXT}`),
  'chunked with a vertical tab': post('Transfer-Encoding: \x0bchunked', `0\r\n\r\n${NEXT}`),
  'chunked with a NUL': post('Transfer-Encoding: chunked\0', `0\r\n\r\n${NEXT}`),
  'chunked with a parameter': post('Transfer-Encoding: chunked;q=1', `0\r\n\r\n${NEXT}`),
  'chunked with a comma before it': post('Transfer-Encoding: ,chunked', `0\r\n\r\n${NEXT}`),
  'gzip, then chunked': post('Transfer-Encoding: gzip, chunked', `0\r\n\r\n`),
  'two codings in two lines': post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', `0\r\n\r\n`),
  'chunked in HTTP/1.0': 'POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a folded header': post('Content-Length: 0\r\nX: a\r\n Transfer-Encoding: chunked', `0\r\n\r\n${NEXT}`),
  'a folded transfer coding': post('Transfer-Encoding:\r\n chunked', `0\r\n\r\n${NEXT}`),
  'a header that begins with a space': `POST /x HTTP/1.1\r\n Host: a\r\n\r\n`,
  'a bare LF at the end of a header': post('X: 1\nContent-Length: 0', NEXT),
  'a bare LF at the end of the request line': `GET /x HTTP/1.1\nHost: a\r\n\r\n`,
  'a bare LF at the end of the head': `GET /x HTTP/1.1\r\nHost: a\r\n\n${NEXT}`,
  'a bare CR in a header': post('X: 1\rContent-Length: 40', NEXT),
  'a bare CR at the end of the head': `GET /x HTTP/1.1\r\nHost: a\r\n\r${NEXT}`,
  'a NUL in a header value': post('X: a\0b', ''),
  'a NUL in a header name': post('X\0: a', ''),
  'a control character in a header value': post('X: a\x01b', ''),
  'a header name that is no token': post('X(: a', ''),
  'a header without a name': post(': a', ''),
  'a header without a colon': post('nothing', ''),
  'a NUL in the target': 'GET /x\0 HTTP/1.1\r\nHost: a\r\n\r\n',
  'a space in the target': 'GET /x y HTTP/1.1\r\nHost: a\r\n\r\n',
  'a tab in place of a space': 'GET\t/x\tHTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/0.9': 'GET /x\r\n\r\n',
  'HTTP/1.2': 'GET /x HTTP/1.2\r\nHost: a\r\n\r\n',
  'HTTP/2.0': 'GET /x HTTP/2.0\r\nHost: a\r\n\r\n',
  'a version in lower case': 'GET /x http/1.1\r\nHost: a\r\n\r\n',
  'a method that is none': 'get /x HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target without a slash': 'GET x HTTP/1.1\r\nHost: a\r\n\r\n',
  'a fragment in the target': 'GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target of another scheme': 'GET ftp://b/x HTTP/1.1\r\nHost: a\r\n\r\n',
  'an absolute target with userinfo': 'GET http://a@b/x HTTP/1.1\r\nHost: b\r\n\r\n',
  'an absolute target without a host': 'GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n',
  'two hosts': 'GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'a host with a space': 'GET /x HTTP/1.1\r\nHost: a b\r\n\r\n',
  'no host': 'GET /x HTTP/1.1\r\n\r\n',
};

/** The request may have begun at the backend, but never ends there, and nothing after it is heard. */
const BROKEN_OFF: Readonly<Record<string, string>> = {
  'a chunk size that overflows 64 bits': chunked(`10000000000000004\r\nbody\r\n0\r\n\r\n${NEXT}`),
  'a chunk size with a sign': chunked(`+4\r\nbody\r\n0\r\n\r\n${NEXT}`),
  'a negative chunk size': chunked(`-4\r\nbody\r\n0\r\n\r\n${NEXT}`),
  'a chunk size with 0x': chunked(`0x4\r\nbody\r\n0\r\n\r\n${NEXT}`),
  'a chunk size with a space before it': chunked(` 4\r\nbody\r\n0\r\n\r\n${NEXT}`),
  'a chunk size with a space after it': chunked(`4 \r\nbody\r\n0\r\n\r\n${NEXT}`),
  'an empty chunk size': chunked(`\r\nbody\r\n0\r\n\r\n${NEXT}`),
  'a bare LF after a chunk size': chunked(`4\nbody\r\n0\r\n\r\n${NEXT}`),
  'a bare CR after a chunk size': chunked(`4\rbody\r\n0\r\n\r\n${NEXT}`),
  'a bare LF after a chunk': chunked(`4\r\nbody\n0\r\n\r\n${NEXT}`),
  'a chunk longer than its size': chunked(`4\r\nbodybody\r\n0\r\n\r\n${NEXT}`),
  'a bare LF in a chunk extension': chunked(`4;a\nbody\r\n0\r\n\r\n${NEXT}`),
  'a CR in a chunk extension': chunked(`4;a\rb\r\nbody\r\n0\r\n\r\n${NEXT}`),
  'a bare LF after the last chunk': chunked(`4\r\nbody\r\n0\n\n${NEXT}`),
  'a length in the trailers': chunked(`4\r\nbody\r\n0\r\nContent-Length: 40\r\n\r\n${NEXT}`),
  'a transfer coding in the trailers': chunked(`4\r\nbody\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n${NEXT}`),
  'a bare LF at the end of trailers': chunked(`4\r\nbody\r\n0\r\nX: 1\n\r\n${NEXT}`),
  'a bare CR in a trailer': chunked(`4\r\nbody\r\n0\r\nX: 1\rY: 2\r\n\r\n${NEXT}`),
  'a NUL in a trailer': chunked(`4\r\nbody\r\n0\r\nX: 1\0\r\n\r\n${NEXT}`),
  'a folded trailer': chunked(`4\r\nbody\r\n0\r\nX: 1\r\n GET /smuggled HTTP/1.1\r\n\r\n${NEXT}`),
  'a trailer with a space before the colon': chunked(`4\r\nbody\r\n0\r\nX : 1\r\n\r\n${NEXT}`),
  'a trailer without a colon': chunked(`4\r\nbody\r\n0\r\nX\r\n\r\n${NEXT}`),
};

/** Each reaches the backend as just these requests. */
const SERVED: Readonly<Record<string, readonly [bytes: string, ...requests: string[]]>> = {
  'a second request within a body': [post(`Content-Length: ${NEXT.length}`, NEXT), `POST /x ${JSON.stringify(NEXT)}`],
  'a length that the connection header names': [
    post(`Content-Length: ${NEXT.length}\r\nConnection: Content-Length`, NEXT),
    `POST /x ${JSON.stringify(NEXT)}`,
  ],
  'a transfer coding that the connection header names': [
    post('Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked', '4\r\nbody\r\n0\r\n\r\n'),
    'POST /x "body"',
  ],
  'chunked in capitals': [post('TRANSFER-ENCODING: CHUNKED', '4\r\nbody\r\n0\r\n\r\n'), 'POST /x "body"'],
  'a chunk extension': [chunked('4;a=b\r\nbody\r\n0\r\n\r\n'), 'POST /x "body"'],
  'leading zeros in a chunk size': [chunked('0004\r\nbody\r\n0\r\n\r\n'), 'POST /x "body"'],
  'trailers that would be headers': [
    chunked('4\r\nbody\r\n0\r\nHost: b\r\nAuthorization: x\r\nX-HTTP-Method-Override: PUT\r\n\r\n'),
    'POST /x "body"',
  ],
  'a GET with a body': [
    `GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${NEXT.length}\r\n\r\n${NEXT}`,
    `GET /x ${JSON.stringify(NEXT)}`,
  ],
  'empty lines before a request': ['\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /x'],
  'an absolute target, which is the host': ['GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /x @b'],
  'an upgrade that is ignored, with a request as its body': [
    post(`Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: ${NEXT.length}`, NEXT),
    `POST /x ${JSON.stringify(NEXT)}`,
  ],
};

async function send(bytes: string) {
  const client = await rawClient(world.httpPort);
  client.socket.write(bytes, 'latin1');
  return client;
}

for (const [name, bytes] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, async () => {
    const client = await send(bytes);
    await until(() => client.closed());
    assert.match(client.received(), /^HTTP\/1\.1 400 /);
    assert.equal(client.received().split('HTTP/1.1').length, 2, client.received());
    await sleep(20);
    assert.deepEqual(seen, []);
    client.socket.destroy();
  });
}

for (const [name, bytes] of Object.entries(BROKEN_OFF)) {
  test(`broken off: ${name}`, async () => {
    const client = await send(bytes);
    await until(() => client.closed());
    assert.doesNotMatch(client.received(), /^HTTP\/1\.1 2/);
    await sleep(20);
    assert.deepEqual(seen, []);
    client.socket.destroy();
  });
}

for (const [name, [bytes, ...requests]] of Object.entries(SERVED)) {
  test(`served as it is: ${name}`, async () => {
    const client = await send(bytes);
    await until(() => client.received().split('served\n').length > requests.length);
    await sleep(20);
    assert.deepEqual(seen, requests);
    assert.equal(client.received().split('HTTP/1.1').length - 1, requests.length);
    client.socket.destroy();
  });
}

/** A request over HTTP/2 whose header block is written by hand: literal fields without an index (RFC 7541, 6.2.2). */
function requestFrames(fields: readonly (readonly [string, string])[], flags: number): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
  const block = Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
  return frame(1, flags, block);
}

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  if (type !== 4) head.writeUInt32BE(1, 5);
  return Buffer.concat([head, payload]);
}

const END_STREAM = 1;
const END_HEADERS = 4;
const PSEUDO = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/x'],
  [':authority', 'a'],
] as const;

/** Each ends in a reset of the stream, the end of the connection, or a 400; the backend hears of nothing. */
const DOWNGRADES: Readonly<Record<string, readonly [fields: readonly (readonly [string, string])[], body?: string]>> = {
  connection: [[...PSEUDO, ['connection', 'keep-alive']]],
  'transfer-encoding': [[...PSEUDO, ['transfer-encoding', 'chunked']], `0\r\n\r\n${NEXT}`],
  upgrade: [[...PSEUDO, ['upgrade', 'websocket']]],
  'keep-alive': [[...PSEUDO, ['keep-alive', 'timeout=5']]],
  'proxy-connection': [[...PSEUDO, ['proxy-connection', 'keep-alive']]],
  'te that is not trailers': [[...PSEUDO, ['te', 'gzip']]],
  'capitals in a name': [[...PSEUDO, ['X-Up', 'a']]],
  'CRLF in the path': [
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', `/x HTTP/1.1\r\nHost: a\r\n\r\n${NEXT}`],
      [':authority', 'a'],
    ],
  ],
  'a space in the path': [
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/x HTTP/1.1'],
      [':authority', 'a'],
    ],
  ],
  'a path that does not begin with a slash': [
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', 'x'],
      [':authority', 'a'],
    ],
  ],
  'a fragment in the path': [
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/x#y'],
      [':authority', 'a'],
    ],
  ],
  'CRLF in the authority': [
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/x'],
      [':authority', 'a\r\nx: y'],
    ],
  ],
  'userinfo in the authority': [
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/x'],
      [':authority', 'b@a'],
    ],
  ],
  'CRLF in the method': [
    [
      [':method', `GET /smuggled HTTP/1.1\r\nx: y`],
      [':scheme', 'http'],
      [':path', '/x'],
      [':authority', 'a'],
    ],
  ],
  'a space in the method': [
    [
      [':method', 'GET /smuggled'],
      [':scheme', 'http'],
      [':path', '/x'],
      [':authority', 'a'],
    ],
  ],
  'a pseudo header after the others': [[['x', 'y'], ...PSEUDO]],
  'two paths': [[...PSEUDO, [':path', '/y']]],
  'an unknown pseudo header': [[...PSEUDO, [':smuggled', '1']]],
  'two hosts': [[...PSEUDO, ['host', 'b'], ['host', 'c']]],
  'a host that is not the authority': [[...PSEUDO, ['host', 'b']]],
  'a length above the body': [[...PSEUDO, ['content-length', '40']], 'body'],
  'a length below the body': [[...PSEUDO, ['content-length', '1']], `b${NEXT}`],
  'a length without a body': [[...PSEUDO, ['content-length', '4']]],
  'two lengths': [[...PSEUDO, ['content-length', '4'], ['content-length', '0']], 'body'],
  'CRLF in a value': [[...PSEUDO, ['x', `a\r\ntransfer-encoding: chunked`]]],
  'LF in a value': [[...PSEUDO, ['x', 'a\nb: c']]],
  'NUL in a value': [[...PSEUDO, ['x', 'a\0b']]],
  'CRLF in a name': [[...PSEUDO, ['x\r\ny', 'a']]],
  'a colon in a name': [[...PSEUDO, ['x: a\r\ny', 'a']]],
  'a space in a name': [[...PSEUDO, ['x y', 'a']]],
  'white space around a value': [[...PSEUDO, ['x', ' a']]],
};

for (const [name, [fields, body]] of Object.entries(DOWNGRADES)) {
  test(`refused over HTTP/2: ${name}`, async () => {
    const client = await rawClient(world.httpPort);
    client.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    client.socket.write(frame(4, 0, Buffer.alloc(0)));
    client.socket.write(requestFrames(fields, END_HEADERS | (body === undefined ? END_STREAM : 0)));
    if (body !== undefined) client.socket.write(frame(0, END_STREAM, Buffer.from(body)));
    await until(() => client.closed() || refusedStream(client.received()));
    await sleep(20);
    assert.deepEqual(seen, []);
    client.socket.destroy();
  });
}

/** RST_STREAM, GOAWAY, or a head that says 400. */
function refusedStream(bytes: string): boolean {
  for (let at = 0; at + 9 <= bytes.length; ) {
    const byte = (offset: number) => bytes.charCodeAt(at + offset);
    const length = byte(0) * 65_536 + byte(1) * 256 + byte(2);
    if (byte(3) === 3 || byte(3) === 7) return true;
    // Index 12 of HPACK's static table is `:status: 400`.
    if (byte(3) === 1 && byte(9) === 0x8c) return true;
    at += 9 + length;
  }
  return false;
}

test('trailers of a request over HTTP/2 do not become headers', async () => {
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/x', ':method': 'POST', ':authority': 'a' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ host: 'b', 'x-late': '1' }));
  stream.end('body');
  stream.resume();
  await until(() => seen.length > 0);
  assert.deepEqual(seen, ['POST /x "body"']);
  assert.ok(!lastHeaders.includes('x-late'));
  client.destroy();
});
