import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import { createWorld, rawClient, until } from '../testing/world.ts';
import { hostProblem } from './authority.ts';

test('a host is a name or an address with perhaps a port', () => {
  for (const host of ['a', 'a.example:80', 'a_b.example.', '10.0.0.1:', '[::1]:8080', '[fe80::1]', 'a%20b']) {
    assert.equal(hostProblem([host], undefined, false), undefined, host);
  }
  for (const host of [
    '',
    ' ',
    'a b',
    'user@a',
    'a/b',
    'a?b',
    ':80',
    'a:b',
    'a:1:2',
    '[::g]',
    '[1:2]',
    '::1',
    'a:99999',
  ]) {
    assert.equal(hostProblem([host], undefined, false), 'bad host', host);
    assert.equal(hostProblem(['a'], host, false), 'bad authority', host);
  }
  assert.equal(hostProblem(['a', 'a'], undefined, false), 'more than one host');
  assert.equal(hostProblem([], undefined, false), 'no host');
  assert.equal(hostProblem([], undefined, true), undefined);
});

test('bad hosts are a 400 and never reach the upstream; an absolute target takes the place of the host', async (t) => {
  let seen = 0;
  const world = await createWorld({
    onRequest(request, response) {
      seen += 1;
      response.end(`${request.headers.host} ${request.url}\n`);
    },
  });
  t.after(() => world.stop());
  const ask = async (head: string) => {
    const client = await rawClient(world.httpPort);
    client.socket.write(`${head}\r\n\r\n`);
    await until(() => client.received().endsWith('\n') && client.received().includes('\r\n\r\n'));
    client.socket.destroy();
    return client.received();
  };
  for (const head of [
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b',
    'GET / HTTP/1.1\r\nHost: a\r\nhost: a',
    'GET / HTTP/1.1\r\nHost:',
    'GET / HTTP/1.1',
    'GET / HTTP/1.1\r\nHost: a b',
    'GET / HTTP/1.1\r\nHost: user@a',
    'GET http://user@b/ HTTP/1.1\r\nHost: b',
    'GET http://b/ HTTP/1.1\r\nHost: a b',
    'GET http://b/ HTTP/1.1',
  ]) {
    assert.match(await ask(head), /^HTTP\/1.1 400 /, head);
  }
  assert.equal(seen, 0);
  assert.match(await ask('GET http://b.example:81/x?y HTTP/1.1\r\nHost: a'), /b\.example:81 \/x\?y\n$/);
  assert.match(await ask('GET /x HTTP/1.0'), /127\.0\.0\.1:\d+ \/x\n$/);
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/', ':authority': 'user@a' });
  let status = 0;
  stream.on('response', (headers) => {
    status = headers[':status'] ?? 0;
  });
  stream.resume();
  await until(() => status === 400);
  client.destroy();
});
