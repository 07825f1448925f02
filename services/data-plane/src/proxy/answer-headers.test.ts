import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { backendPolicy, createWorld, portResources, rawClient, until, type World } from '../testing/world.ts';

let world: World;
let backend: Server;
const sockets = new Set<Socket>();
/** What the backend says to each request, in latin1. */
let answer = '';

before(async () => {
  backend = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(answer, 'latin1'));
  }).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  world = await createWorld();
  world.apply(...portResources('http', world.httpPort, (backend.address() as AddressInfo).port));
});

after(async () => {
  await world.stop();
  for (const socket of sockets) socket.destroy();
  backend.close();
});

/** Everything that a client hears, to the end that it expects. */
async function ask(end: string, method = 'GET', version = '1.1', more = ''): Promise<string> {
  const client = await rawClient(world.httpPort);
  client.socket.write(`${method} / HTTP/${version}\r\nHost: a\r\n${more}\r\n`);
  await until(() => client.received().includes(end));
  client.socket.destroy();
  return client.received();
}

/** What a client of HTTP/2 hears. */
async function ask2() {
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/' });
  let headers: http2.IncomingHttpHeaders = {};
  let trailers: readonly string[] = [];
  stream.on('response', (list) => {
    headers = list;
  });
  stream.on('trailers', (_headers, _flags, raw?: readonly string[]) => {
    trailers = raw ?? [];
  });
  await once(stream.resume(), 'close');
  client.destroy();
  return { headers, trailers };
}

test('an answer that announces trailers where it can have none is passed on without them', async () => {
  answer = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTrailer: x-sum\r\nx-mine: 1\r\n\r\nbody';
  assert.match(await ask('body'), /^HTTP\/1\.1 200 OK\r\ncontent-length: 4\r\nx-mine: 1\r\n(?!.*trailer)/s);
  answer = 'HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nx-mine: 1\r\n\r\n';
  assert.match(await ask('\r\n\r\n', 'HEAD'), /^HTTP\/1\.1 200 OK\r\nx-mine: 1\r\n(?!.*trailer)/s);
  answer = 'HTTP/1.1 304 Not Modified\r\nTrailer: x-sum\r\n\r\n';
  assert.match(await ask('\r\n\r\n'), /^HTTP\/1\.1 304 Not Modified\r\n(?!.*trailer)/s);
});

test('trailers that are announced reach a client of HTTP/1.1, and one of HTTP/1.0 gets the body alone', async () => {
  answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 42\r\n\r\n';
  assert.match(await ask('42\r\n\r\n'), /trailer: x-sum\r\n.*4\r\nbody\r\n0\r\nx-sum: 42\r\n\r\n$/s);
  assert.match(await ask('body', 'GET', '1.0'), /^HTTP\/1\.1 200 OK\r\n(?!.*(trailer|x-sum)).*\r\n\r\nbody$/s);
});

/** What must not come as a trailer, and what the answer says is of the connection. */
const REFUSED = [
  ...['Content-Length: 9', 'Transfer-Encoding: chunked', 'Trailer: x-sum', 'TE: trailers', 'Content-Type: a/b'],
  ...['Content-Encoding: gzip', 'Content-Range: bytes 0-1/2', 'Set-Cookie: a=b', 'WWW-Authenticate: Basic', 'X-Own: 1'],
  ...['Connection: close', 'Cache-Control: no-store', 'Location: /', 'Date: Mon, 23 Nov 2026 00:00:00 GMT', 'Vary: *'],
];
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Set-Cookie\r\nConnection: X-Own\r\n';

test('fields that must not be trailers are left out of an answer, over both versions of HTTP', async () => {
  answer = `${CHUNKED}\r\n4\r\nbody\r\n0\r\n${[...REFUSED, 'X-Sum: 42', 'Content-Digest: d'].join('\r\n')}\r\n\r\n`;
  const heard = await ask('\r\n0\r\nx-sum: 42\r\ncontent-digest: d\r\n\r\n');
  assert.match(heard, /\r\ntrailer: X-Sum\r\n/);
  assert.deepEqual((await ask2()).trailers, ['x-sum', '42', 'content-digest', 'd']);
});

test('an answer without content tells no length of one, where HTTP forbids it', async () => {
  for (const status of ['204 No Content', '304 Not Modified']) {
    answer = `HTTP/1.1 ${status}\r\nContent-Length: 5\r\nETag: "1"\r\n\r\n`;
    const heard = await ask('\r\n\r\n');
    assert.match(heard, new RegExp(`^HTTP/1\\.1 ${status}\\r\\n`));
    assert.equal(/content-length/i.test(heard), status.startsWith('304'), heard);
    assert.equal((await ask2()).headers['content-length'], status.startsWith('304') ? '5' : undefined);
  }
  answer = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';
  assert.match(await ask('\r\n\r\n', 'HEAD'), /\r\ncontent-length: 5\r\n/);
  answer = 'HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n';
  assert.match(await ask('No Content\r\n'), /^HTTP\/1\.1 103 (?!.*content-length).* 204 /is);
});

test('the name of a file reaches the client byte for byte, after a length too', async () => {
  for (const name of [Buffer.from('報告.txt').toString('latin1'), 'r\xe9sum\xe9.txt']) {
    answer = `HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\nbody`;
    const heard = await ask('body');
    assert.ok(heard.includes(`\r\ncontent-disposition: attachment; filename="${name}"\r\n`), heard);
    assert.match(heard, /\r\ncontent-length: 4\r\n/);
  }
});

test('an upgrade is passed on without what announces a body', async () => {
  answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nTrailer: x-sum\r\nContent-Length: 4\r\n\r\nhello';
  const heard = await ask('hello', 'GET', '1.1', 'Connection: upgrade\r\nUpgrade: echo\r\n');
  assert.match(heard, /^HTTP\/1\.1 101 (?!.*(trailer|content-length)).*\r\nupgrade: echo\r\n.*\r\n\r\nhello$/is);
});

test('what a backend of HTTP/2 says is passed on by the same rules', async (t) => {
  const name = Buffer.from('報告.txt').toString('latin1');
  const server = http2.createServer((_request, response) => {
    response.stream.respond({
      ':status': 200,
      'content-length': '4',
      trailer: 'x-sum',
      'content-disposition': `attachment; filename="${name}"`,
    });
    response.stream.end('body');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const here = await createWorld();
  t.after(async () => {
    await here.stop();
    server.close();
  });
  here.apply(
    ...portResources('http', here.httpPort, (server.address() as AddressInfo).port),
    backendPolicy({ section: 'http', version: 'http2' }),
  );
  const client = await rawClient(here.httpPort);
  client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => client.received().endsWith('\r\n\r\nbody'));
  assert.match(client.received(), /^HTTP\/1\.1 200 OK\r\n(?!.*trailer)/s);
  assert.ok(client.received().includes(`filename="${name}"`), client.received());
  client.socket.destroy();
});
