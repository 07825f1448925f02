import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AnswerTo, BadResponseError, ResponseParser } from './response-parser.ts';

/** What a parser says of an answer. */
type Read = {
  readonly interim: readonly number[];
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly isDone: boolean;
  readonly isPersistent: boolean;
  readonly rest: string;
};

const GET: AnswerTo = { method: 'GET', upgrade: undefined };

function read(pieces: readonly string[], request = GET, isEnded = false): Read {
  const parser = new ResponseParser();
  const interim: number[] = [];
  let status = 0;
  let headers: readonly string[] = [];
  let body = '';
  let rest = '';
  parser.begin(request, {
    onInterim: (code) => interim.push(code),
    onHead(code, list) {
      status = code;
      headers = list;
    },
    onData(chunk) {
      body += chunk.toString('latin1');
    },
  });
  for (const piece of pieces) rest += parser.push(Buffer.from(piece, 'latin1')).toString('latin1');
  if (isEnded) parser.end();
  const { trailers, isDone, isPersistent } = parser;
  return { interim, status, headers, body, trailers, isDone, isPersistent, rest };
}

const ok = (headers: string, body = '') => `HTTP/1.1 200 OK\r\n${headers}\r\n${body}`;
const chunked = (body: string) => ok('Transfer-Encoding: chunked\r\n', body);

/** Read as just this. */
const WHOLE: Readonly<Record<string, { readonly text: string; readonly request?: AnswerTo } & Partial<Read>>> = {
  'a length': { text: ok('Content-Length: 4\r\n', 'body'), body: 'body', headers: ['Content-Length', '4'] },
  'a length of nothing': { text: ok('Content-Length: 0\r\n'), body: '' },
  chunked: { text: chunked('3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n'), body: 'body' },
  'chunked in capitals': { text: ok('transfer-encoding: Chunked\r\n', '1\r\nx\r\n0\r\n\r\n'), body: 'x' },
  'a chunk with an extension': { text: chunked('4;a="b"\r\nbody\r\n00\r\n\r\n'), body: 'body' },
  trailers: { text: chunked('0\r\nX-Sum: 4 \r\nx-b:\r\n\r\n'), trailers: ['X-Sum', '4', 'x-b', ''] },
  'no body to HEAD': { text: ok('Content-Length: 4\r\n'), request: { method: 'HEAD', upgrade: undefined } },
  'no body with 204': { text: 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n', status: 204 },
  'no body with 304': { text: 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', status: 304 },
  'interim answers': {
    text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok('Content-Length: 1\r\n', 'x')}`,
    interim: [103],
    body: 'x',
  },
  'a status line without a reason': { text: 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n' },
  'spaces around a value, none within it lost': {
    text: ok('Content-Length: 0\r\nX: \t a  b \t\r\n'),
    headers: ['Content-Length', '0', 'X', 'a  b'],
  },
  'bytes beyond ASCII in a value': {
    text: ok('Content-Length: 0\r\nX: \xe9\r\n'),
    headers: ['Content-Length', '0', 'X', '\xe9'],
  },
  'the last answer of a connection': { text: ok('Content-Length: 0\r\nConnection: x, Close\r\n'), isPersistent: false },
  'HTTP/1.0': { text: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx', isPersistent: false, body: 'x' },
  'HTTP/1.0 that stays': {
    text: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx',
    body: 'x',
  },
};

for (const [name, { text, request, ...expected }] of Object.entries(WHOLE)) {
  test(`read, in one piece and byte by byte, and what follows is left: ${name}`, () => {
    const following = 'HTTP/1.1 200 OK\r\n';
    for (const pieces of [[text + following], [...text, following]]) {
      const found = read(pieces, request);
      const common = { status: 200, isDone: true, isPersistent: true, rest: following, interim: [], trailers: [] };
      assert.deepEqual(found, { ...found, ...common, ...expected });
    }
  });
}

test('a body that ends with its connection', () => {
  const text = ok('', 'body');
  assert.equal(read([text]).isDone, false);
  const { body, isDone, isPersistent } = read([...text], GET, true);
  assert.deepEqual({ body, isDone, isPersistent }, { body: 'body', isDone: true, isPersistent: false });
});

test('one of known length, or chunked, is not whole when the connection ends', () => {
  for (const text of [
    ok('Content-Length: 5\r\n', 'body'),
    chunked('4\r\nbody\r\n'),
    chunked('4\r\nbo'),
    'HTTP/1.1 200',
  ]) {
    assert.equal(read([text], GET, true).isDone, false);
  }
});

test('an upgrade that was asked for leaves the other protocol as it is', () => {
  const parser = new ResponseParser();
  const nothing = () => undefined;
  const events = { onInterim: nothing, onHead: nothing, onData: nothing };
  parser.begin({ method: 'GET', upgrade: 'echo' }, events);
  const rest = parser.push(Buffer.from('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\n\r\nHTTP/1.1 200'));
  assert.deepEqual(parser.upgradeHeaders, ['upgrade', 'echo']);
  assert.equal(rest.toString(), 'HTTP/1.1 200');
});

test('an upgrade to what was not asked for is refused, and one that does not say to what', () => {
  const nothing = () => undefined;
  const events = { onInterim: nothing, onHead: nothing, onData: nothing };
  for (const [lines, isTaken] of [
    ['Upgrade: WebSocket\r\n', true],
    ['Upgrade: echo\r\n', true],
    ['Upgrade: h2c\r\n', false],
    ['Upgrade: websocket, h2c\r\n', false],
    ['', false],
  ] as const) {
    const parser = new ResponseParser();
    parser.begin({ method: 'GET', upgrade: 'websocket, echo' }, events);
    const push = () => parser.push(Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`));
    if (isTaken) {
      push();
      assert.ok(parser.upgradeHeaders !== undefined, lines);
    } else assert.throws(push, /a change to a protocol that nobody asked for/, lines);
  }
});

const REFUSED: Readonly<Record<string, string>> = {
  'length and chunked': ok('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  'two lengths that differ': ok('Content-Length: 4\r\nContent-Length: 5\r\n'),
  'two lengths that agree': ok('Content-Length: 4\r\nContent-Length: 4\r\n'),
  'a length with a sign': ok('Content-Length: +4\r\n'),
  'a length in hex': ok('Content-Length: 0x4\r\n'),
  'an empty length': ok('Content-Length:\r\n'),
  'a length beyond all bounds': ok('Content-Length: 18446744073709551617\r\n'),
  'a coding beside chunked': ok('Transfer-Encoding: gzip, chunked\r\n'),
  'chunked twice': ok('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'),
  'chunked not last': ok('Transfer-Encoding: chunked, identity\r\n'),
  'chunked with a vertical tab': ok('Transfer-Encoding: \x0bchunked\r\n'),
  'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  'a folded header': ok('X: a\r\n Content-Length: 4\r\n'),
  'a space before the colon': ok('Content-Length : 4\r\n'),
  'a header without a colon': ok('nothing\r\n'),
  'a header without a name': ok(': a\r\n'),
  'a bare LF in a header': ok('X: a\nContent-Length: 4\r\n'),
  'a bare CR in a header': ok('X: a\rContent-Length: 4\r\n'),
  'a NUL in a value': ok('X: a\0b\r\n'),
  'another version': 'HTTP/1.2 200 OK\r\n\r\n',
  'HTTP/2.0': 'HTTP/2.0 200 OK\r\n\r\n',
  'another protocol': 'SSH-2.0-x\r\n',
  'a blank line first': `\r\n${ok('Content-Length: 0\r\n')}`,
  'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'a bare LF at the end of the status line': 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
  'an upgrade that nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\n\r\n',
  'a chunk size with a sign': chunked('+1\r\nx\r\n'),
  'a chunk size with 0x': chunked('0x1\r\nx\r\n'),
  'an empty chunk size': chunked('\r\nx\r\n'),
  'a chunk size with a space': chunked('1 \r\nx\r\n'),
  'a chunk size that overflows': chunked('10000000000000001\r\nx\r\n'),
  'a chunk size with a bare LF': chunked('1\nx\r\n0\r\n\r\n'),
  'a chunk that is longer than it says': chunked('1\r\nxx\r\n0\r\n\r\n'),
  'a chunk size without an end': chunked(`1;${'x'.repeat(5_000)}`),
  'a bad trailer': chunked('0\r\nx y: 1\r\n\r\n'),
  'a head without an end': `${ok('Content-Length: 0\r\n').slice(0, -2)}X: ${'y'.repeat(70_000)}`,
  'a head that is too long': ok(`X: ${'y'.repeat(70_000)}\r\n`),
  'trailers without an end': chunked(`0\r\nX: ${'y'.repeat(70_000)}`),
};

for (const [name, text] of Object.entries(REFUSED)) {
  test(`refused, in one piece and in two: ${name}`, () => {
    assert.throws(() => read([text]), BadResponseError);
    const half = Math.floor(text.length / 2);
    assert.throws(() => read([text.slice(0, half), text.slice(half)]), BadResponseError);
  });
}

test('what a body is does not depend on the pieces in which it comes', () => {
  const chunks = fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }), { maxLength: 8 });
  const cuts = fc.array(fc.nat({ max: 600 }), { maxLength: 12 });
  fc.assert(
    fc.property(chunks, cuts, fc.boolean(), (parts, at, isChunked) => {
      const body = parts.join('');
      const text = isChunked
        ? chunked(`${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\nx-sum: 1\r\n\r\n`)
        : ok(`Content-Length: ${body.length}\r\n`, body);
      const places = [0, ...at.filter((place) => place < text.length).sort((a, b) => a - b), text.length];
      const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
      const found = read(pieces.filter((piece) => piece !== ''));
      assert.deepEqual([found.body, found.isDone, found.rest], [body, true, '']);
      assert.deepEqual(found.trailers, isChunked ? ['x-sum', '1'] : []);
    }),
  );
});
