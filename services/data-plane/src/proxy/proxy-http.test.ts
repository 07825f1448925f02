import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from '../testing/free-port.ts';
import { createWorld, httpPolicy, portResources, rawClient, until, type World } from '../testing/world.ts';

const run = promisify(execFile);
const MEBIBYTE = randomBytes(1_048_576);
const BIG = 32;
let world: World;
let aborted = 0;

before(async () => {
  world = await createWorld({ onRequest, upstream: { headersTimeoutMs: 1_000 } });
});

after(() => world.stop());

function onRequest(incoming: IncomingMessage, response: ServerResponse): void {
  switch (incoming.url) {
    case '/big':
      response.setHeader('content-type', 'application/octet-stream');
      Readable.from(Array.from({ length: BIG }, () => MEBIBYTE)).pipe(response);
      return;
    case '/hash': {
      const hash = createHash('sha256');
      incoming.on('data', (chunk: Buffer) => hash.update(chunk));
      incoming.on('end', () => response.end(hash.digest('hex')));
      return;
    }
    case '/never':
      response.on('close', () => {
        aborted += 1;
      });
      return;
    case '/half':
      response.writeHead(200, { 'content-length': '100' });
      response.write('only this');
      setTimeout(() => response.destroy(), 50);
      return;
    case '/trailers':
    case '/two-etags':
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('body');
      response.addTrailers(
        incoming.url === '/trailers'
          ? { 'x-sum': '42' }
          : [
              ['ETag', '1'],
              ['ETag', '2'],
            ],
      );
      response.end();
      return;
    case '/case':
      response.writeHead(200, ['X-MiXed', '1', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']);
      response.end();
      return;
    default:
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method: incoming.method, url: incoming.url, headers: incoming.rawHeaders }));
  }
}

test('HTTP/1.1 with curl: host preserved, client named, hop-by-hop headers gone', async () => {
  const { stdout } = await run('curl', [
    ...['-sS', '-H', 'Host: shop.example', '-H', 'X-Forwarded-For: 10.0.0.9', '-H', 'Keep-Alive: timeout=5'],
    ...['-H', 'Connection: X-Secret', '-H', 'X-Secret: 1', '-H', 'TE: trailers'],
    `http://127.0.0.1:${world.httpPort}/echo?a=1`,
  ]);
  const seen = JSON.parse(stdout) as { url: string; headers: string[] };
  assert.equal(seen.url, '/echo?a=1');
  const headers = pairs(seen.headers);
  assert.equal(headers.get('host'), 'shop.example');
  assert.equal(headers.get('x-forwarded-for'), '10.0.0.9, 127.0.0.1');
  for (const name of ['x-secret', 'te', 'keep-alive']) assert.equal(headers.has(name), false, name);
});

test('HTTP/2 with prior knowledge with curl', async () => {
  const { stdout } = await run('curl', [
    ...['-sS', '--http2-prior-knowledge', '-w', '%{http_version}', '-o', '/dev/null'],
    `http://127.0.0.1:${world.httpPort}/`,
  ]);
  assert.equal(stdout, '2');
});

test('an upgrade to h2c is ignored, as it may be: curl --http2 is served over HTTP/1.1', async () => {
  const { stdout } = await run('curl', [
    ...['-sS', '--http2', '-w', '%{http_version} %{http_code}', '-o', '/dev/null'],
    `http://127.0.0.1:${world.httpPort}/`,
  ]);
  assert.equal(stdout, '1.1 200');
});

test('big bodies go both ways whole, over HTTP/1.1 and HTTP/2', async () => {
  const upload = Buffer.concat(Array.from({ length: BIG }, () => MEBIBYTE));
  const digest = createHash('sha256').update(upload).digest('hex');
  for (const version of ['--http1.1', '--http2-prior-knowledge']) {
    const url = `http://127.0.0.1:${world.httpPort}`;
    const download = await run('curl', ['-sS', version, `${url}/big`], { encoding: 'buffer', maxBuffer: 1e9 });
    assert.equal(createHash('sha256').update(download.stdout).digest('hex'), digest, version);
    const child = run('curl', ['-sS', version, '--data-binary', '@-', '-H', 'Expect:', `${url}/hash`]);
    child.child.stdin?.end(upload);
    assert.equal((await child).stdout, digest, version);
  }
});

test('a slow reader holds the upstream back instead of filling memory', async () => {
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/big' });
  stream.pause();
  await once(stream, 'response');
  const before = process.memoryUsage().arrayBuffers;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1_048_576);
  stream.close();
  client.destroy();
});

test('a client that goes away ends its request upstream', async () => {
  const before = aborted;
  const one = request({ port: world.httpPort, path: '/never' }).end();
  one.on('error', () => undefined);
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/never' });
  stream.on('error', () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  one.destroy();
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await until(() => aborted === before + 2);
  client.destroy();
});

test('an upstream that breaks off is passed on as broken, not as a short answer', async () => {
  await assert.rejects(run('curl', ['-sS', `http://127.0.0.1:${world.httpPort}/half`]));
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/half' });
  stream.resume();
  await assert.rejects(once(stream, 'end'));
  client.destroy();
});

test('trailers pass through', async () => {
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/trailers' });
  stream.resume();
  const [trailers] = (await once(stream, 'trailers')) as [Record<string, string>];
  assert.equal(trailers['x-sum'], '42');
  client.destroy();
});

test('two trailers of one name are passed on as they came', async () => {
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/two-etags' });
  stream.resume();
  const [, , trailers] = (await once(stream, 'trailers')) as [object, number, readonly string[]];
  assert.deepEqual(trailers, ['etag', '1', 'etag', '2']);
  client.destroy();
});

test('an upstream that does not answer in time is a 504', async () => {
  const { stdout } = await run('curl', ['-sS', '-w', ' %{http_code}', `http://127.0.0.1:${world.httpPort}/never`]);
  assert.equal(stdout, 'upstream timeout\n 504');
});

test('an unreachable upstream is a 503, also for a request with a body; none at all a 500; no route a 404', async () => {
  const port = await freePort();
  const own = await createWorld();
  const [bind, listener, backend, route] = portResources('http', own.httpPort, port);
  assert.ok(bind && listener && backend && route?.kind === 'route');
  own.apply(backend);
  const ask = async (...more: string[]) =>
    (await run('curl', ['-sS', '-w', ' %{http_code}', ...more, `http://127.0.0.1:${own.httpPort}/`])).stdout;
  assert.equal(await ask(), 'upstream unreachable\n 503');
  assert.equal(await ask('--http2-prior-knowledge'), 'upstream unreachable\n 503');
  assert.equal(await ask('--data-binary', `@${process.execPath}`, '-H', 'Expect:'), 'upstream unreachable\n 503');
  own.remove(backend);
  assert.equal(await ask(), 'no backend\n 500');
  own.remove(route);
  assert.equal(await ask(), 'route not found\n 404');
  await own.stop();
});

test('nonsense is a 400 and closes as protocol_error; contradicting lengths are nonsense', async () => {
  const before = await world.closes('protocol_error');
  for (const bytes of [
    'NONSENSE\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ]) {
    const client = await rawClient(world.httpPort);
    client.socket.write(bytes);
    await until(() => client.received().startsWith('HTTP/1.1 400') && client.closed());
    client.socket.destroy();
  }
  await until(async () => (await world.closes('protocol_error')) === before + 2);
});

test('first bytes that come one by one are understood, for both protocols', async () => {
  const one = await rawClient(world.httpPort);
  for (const byte of 'PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n') {
    one.socket.write(byte);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await until(() => one.received().startsWith('HTTP/1.1 200'));
  const two = await rawClient(world.httpPort);
  for (const byte of 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') {
    two.socket.write(byte);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  two.socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  // A SETTINGS frame: three bytes of length, then the type 4.
  await until(() => two.received().charCodeAt(3) === 4);
  for (const { socket } of [one, two]) socket.destroy();
});

test('header limits and header case follow the policy, for open connections too', async () => {
  const policy = httpPolicy({ http1MaxHeaders: 5, http1HeaderCase: 'preserve' });
  const client = await rawClient(world.httpPort);
  client.socket.write('GET /case HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => client.received().includes('\r\n\r\n'));
  assert.match(client.received(), /\r\nx-mixed: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n/);
  world.apply(policy);
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.socket.write('GET /case HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => /\r\nX-MiXed: 1\r\nSet-Cookie: a=1\r\n/.test(client.received()));
  client.socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(5)}\r\n`);
  await until(() => client.received().includes('HTTP/1.1 431') && client.closed());
  world.remove(policy);
});

function pairs(flat: readonly string[]): Map<string, string> {
  const result = new Map<string, string>();
  for (let index = 0; index < flat.length; index += 2)
    result.set((flat[index] ?? '').toLowerCase(), flat[index + 1] ?? '');
  return result;
}
