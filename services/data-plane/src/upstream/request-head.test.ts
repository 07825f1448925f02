import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { BadRequestError, lastChunk, requestHead } from './request-head.ts';

const GET = { method: 'GET', target: '/a?b', headers: ['host', 'a'], body: undefined, upgrade: undefined };

const head = (request: Partial<Parameters<typeof requestHead>[0]>) => requestHead({ ...GET, ...request }, 'own:1').text;

test('a request as it goes out, with the end of its body told in one way', () => {
  const body = Readable.from([]);
  assert.equal(head({}), 'GET /a?b HTTP/1.1\r\nhost: a\r\nconnection: keep-alive\r\n\r\n');
  assert.equal(head({ headers: [] }), 'GET /a?b HTTP/1.1\r\nhost: own:1\r\nconnection: keep-alive\r\n\r\n');
  assert.match(head({ method: 'POST' }), /\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n$/);
  assert.match(head({ method: 'POST', body }), /\r\ntransfer-encoding: chunked\r\n\r\n$/);
  assert.match(head({ body, headers: ['Content-Length', '04'] }), /\r\ncontent-length: 4\r\n\r\n$/);
  assert.match(
    head({ headers: ['content-length', '0'] }),
    /HTTP\/1\.1\r\nhost: own:1\r\nconnection: keep-alive\r\n\r\n$/,
  );
  assert.match(head({ method: 'HEAD' }), /\r\nconnection: close\r\n\r\n$/);
  assert.match(head({ upgrade: 'echo, x' }), /\r\nconnection: upgrade\r\nupgrade: echo, x\r\n\r\n$/);
  assert.equal(lastChunk([]), '0\r\n\r\n');
  assert.equal(lastChunk(['x-sum', '1', 'x-b', '']), '0\r\nx-sum: 1\r\nx-b: \r\n\r\n');
});

test('what could be read as another request is refused', () => {
  const body = Readable.from([]);
  for (const request of [
    { method: 'GET /b' },
    { method: '' },
    { target: 'b' },
    { target: '/ HTTP/1.1\r\nx: y' },
    { target: '/\u0141' },
    { headers: ['host', 'a', 'Host', 'b'] },
    { headers: ['x', 'a\r\nb: c'] },
    { headers: ['x', 'a\0'] },
    { headers: ['x: y', 'a'] },
    { headers: ['', 'a'] },
    { headers: ['content-length', '4'] },
    { headers: ['content-length', '4', 'content-length', '4'], body },
    { headers: ['content-length', '+4'], body },
    { headers: ['transfer-encoding', 'chunked'], body },
    { headers: ['connection', 'close'] },
    { upgrade: 'a\r\nb' },
  ]) {
    assert.throws(() => head(request), BadRequestError, JSON.stringify(request));
  }
  assert.throws(() => lastChunk(['x', 'a\r\n\r\nGET /']), BadRequestError);
});
