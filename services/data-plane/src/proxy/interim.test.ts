import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { backendPolicy, createWorld, portResources, rawClient, until, type World } from '../testing/world.ts';

async function bothClients(world: World): Promise<void> {
  const one = await rawClient(world.httpPort);
  one.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => one.received().includes('hello'));
  assert.match(one.received(), /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/);
  one.socket.destroy();

  const old = await rawClient(world.httpPort);
  old.socket.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
  await until(() => old.received().includes('hello'));
  assert.match(old.received(), /^HTTP\/1\.1 200 OK/);
  old.socket.destroy();

  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/' });
  const interim = once(stream, 'headers');
  const [head] = await once(stream, 'response');
  stream.resume();
  const [hints] = await interim;
  assert.deepEqual([hints[':status'], hints['link'], head[':status']], [103, '</a.css>; rel=preload', 200]);
  client.destroy();
}

const HINTS = { link: '</a.css>; rel=preload' };

test('103 of a backend of HTTP/1.1 is passed on, but not to HTTP/1.0', { timeout: 10_000 }, async (t) => {
  const world = await createWorld({
    onRequest: (_request, response) => response.writeEarlyHints(HINTS, () => response.end('hello\n')),
  });
  t.after(() => world.stop());
  await bothClients(world);
});

test('103 of a backend of HTTP/2 is passed on, but not to HTTP/1.0', { timeout: 10_000 }, async (t) => {
  const backend = http2.createServer().listen(0, '127.0.0.1');
  backend.on('stream', (stream) => {
    stream.additionalHeaders({ ':status': 103, ...HINTS });
    stream.respond({ ':status': 200 });
    stream.end('hello\n');
  });
  await once(backend, 'listening');
  const world = await createWorld();
  t.after(async () => {
    await world.stop();
    backend.close();
  });
  world.apply(
    ...portResources('http', world.httpPort, (backend.address() as AddressInfo).port),
    backendPolicy({ section: 'http', version: 'http2' }),
  );
  await bothClients(world);
});

for (const version of ['http1', 'http2'] as const) {
  test(`a backend that sends interim answers without end is not listened to: ${version}`, async (t) => {
    const sockets: Socket[] = [];
    const backend = version === 'http1' ? createServer(floodHttp1) : http2.createServer().on('stream', floodHttp2);
    backend.on('connection', (socket: Socket) => sockets.push(socket.on('error', () => undefined)));
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const world = await createWorld();
    t.after(async () => {
      await world.stop();
      for (const socket of sockets) socket.destroy();
      backend.close();
    });
    world.apply(
      ...portResources('http', world.httpPort, (backend.address() as AddressInfo).port),
      backendPolicy({ section: 'http', version }),
    );
    const client = await rawClient(world.httpPort);
    client.socket.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    await until(() => client.received().endsWith('upstream unreachable\n'));
    assert.match(client.received(), /^HTTP\/1\.1 503 /);
    client.socket.destroy();
  });
}

function floodHttp1(socket: Socket): void {
  const more = () => {
    if (!socket.destroyed) socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100), () => setImmediate(more));
  };
  socket.once('data', more);
}

function floodHttp2(stream: ServerHttp2Stream): void {
  stream.on('error', () => undefined);
  const more = () => {
    for (let n = 0; n < 50 && !stream.destroyed; n += 1) stream.additionalHeaders({ ':status': 100 });
    if (!stream.destroyed) setImmediate(more);
  };
  more();
}
