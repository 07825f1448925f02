import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import {
  backendPolicy,
  createWorld,
  httpPolicy,
  portResources,
  rawClient,
  tcpPolicy,
  until,
  type World,
} from '../testing/world.ts';

let world: World;
let backend: Server;
const seen: IncomingMessage[] = [];
const tunnels = new Set<Duplex>();

before(async () => {
  world = await createWorld();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  backend = createServer((request, response) => {
    seen.push(request);
    request.resume().once('end', () => response.end(`${request.method} ${request.url}\n`));
  });
  backend.on('upgrade', (request: IncomingMessage, socket, head) => {
    seen.push(request);
    tunnels.add(socket);
    socket.once('close', () => tunnels.delete(socket));
    if (request.url === '/refused') {
      socket.end('HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 3\r\n\r\nno\n');
    } else if (request.url === '/silent') {
      socket.resume().once('end', () => socket.destroy());
    } else if (request.headers.upgrade === 'echo') {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\nx-mine: 1\r\n\r\n');
      socket.write(head);
      socket.pipe(socket);
    } else if (request.headers.upgrade === 'silence') {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: silence\r\n\r\n');
      socket.resume();
    } else {
      sockets.handleUpgrade(request, socket, head, (websocket) => {
        websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
      });
    }
  });
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  world.apply(...portResources('http', world.httpPort, (backend.address() as AddressInfo).port));
});

after(async () => {
  await world.stop();
  backend.closeAllConnections();
  for (const socket of tunnels) socket.destroy();
  await new Promise((resolve) => backend.close(resolve));
});

const ask = (head: string) => `GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${head}\r\n\r\n`;

test('a websocket through ws: messages of all sizes, subprotocol, close code, and who is told to the backend', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${world.httpPort}/chat?a=1`, ['v2.example'], {
    headers: { 'x-forwarded-for': '10.0.0.9' },
  });
  await once(socket, 'open');
  const request = seen.at(-1);
  assert.equal(request?.url, '/chat?a=1');
  assert.equal(request.headers['x-forwarded-for'], '10.0.0.9, 127.0.0.1');
  assert.equal(socket.protocol, 'v2.example');
  assert.match(socket.extensions, /permessage-deflate/);
  for (const size of [0, 1, 125, 126, 65_536, 3_000_000]) {
    const message = Buffer.alloc(size, 7);
    socket.send(message);
    const [data] = (await once(socket, 'message')) as [Buffer];
    assert.equal(Buffer.compare(data, message), 0, `${size} bytes`);
  }
  const [row] = await world.connections();
  assert.equal(row?.protocol, 'websocket');
  assert.equal((await world.upstreams()).find(({ requests }) => requests === 1)?.protocol, 'websocket');
  const closed = once(socket, 'close');
  socket.close(4001, 'done');
  assert.equal((await closed)[0], 4001);
  await until(async () => (await world.connections()).length === 0 && tunnels.size === 0);
});

test('any protocol that the backend takes; each direction ends by itself', async () => {
  const client = await rawClient(world.httpPort);
  client.socket.write(ask('Upgrade: echo'));
  await until(() => client.received().includes('\r\n\r\n'));
  assert.match(client.received(), /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(client.received(), /x-mine: 1\r\n/);
  assert.match(client.received(), /connection: upgrade\r\nupgrade: echo\r\n/i);
  assert.doesNotMatch(client.received(), /transfer-encoding|content-length/i);
  client.socket.write('GET /not-a-request HTTP/1.1\r\n\r\n');
  await until(() => client.received().endsWith('GET /not-a-request HTTP/1.1\r\n\r\n'));
  assert.equal((await world.connections())[0]?.protocol, 'upgraded');
  client.socket.end('last words');
  await until(() => client.closed());
  assert.ok(client.received().endsWith('last words'));
  await until(async () => (await world.connections()).length === 0 && tunnels.size === 0);
});

test('an upgrade behind another request of the connection waits its turn', async () => {
  const client = await rawClient(world.httpPort);
  client.socket.write(`GET /first HTTP/1.1\r\nHost: a\r\n\r\n${ask('Upgrade: echo')}early`);
  await until(() => client.received().endsWith('early'));
  assert.match(client.received(), /^HTTP\/1\.1 200 OK[\s\S]*GET \/first\n[\s\S]*HTTP\/1\.1 101 /);
  client.socket.destroy();
});

test('an upgrade that the backend refuses is answered, and the connection ends', async () => {
  const before = seen.length;
  const client = await rawClient(world.httpPort);
  client.socket.write(
    `GET /refused HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
  );
  await until(() => client.closed());
  assert.match(client.received(), /^HTTP\/1\.1 401 Unauthorized[\s\S]*www-authenticate: Basic[\s\S]*no\n$/i);
  await sleep(50);
  assert.equal(seen.length, before + 1);
});

test('h2c, HTTP/1.0 and a request with a body are served as if they had asked for nothing, pipelined ones too', async () => {
  const client = await rawClient(world.httpPort);
  const body = `POST /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 4\r\n\r\nbody`;
  client.socket.write(
    `${ask('Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA')}${body}${ask('Upgrade: h2c')}GET /last HTTP/1.1\r\nHost: a\r\n\r\n`,
  );
  await until(() => client.received().includes('GET /last\n'));
  assert.match(client.received(), /GET \/x\n[\s\S]*POST \/x\n[\s\S]*GET \/x\n[\s\S]*GET \/last\n/);
  assert.doesNotMatch(client.received(), / 101 /);
  assert.equal(seen.at(-2)?.headers.upgrade, undefined);
  client.socket.destroy();
  const old = await rawClient(world.httpPort);
  old.socket.write('GET /old HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  await until(() => old.closed());
  assert.match(old.received(), / 200 OK[\s\S]*GET \/old\n$/);
});

test('a client that goes before the backend has said yes takes its request along', async () => {
  const request = httpRequest({
    port: world.httpPort,
    path: '/silent',
    headers: { connection: 'upgrade', upgrade: 'echo' },
  });
  request.on('error', () => undefined);
  request.end();
  await until(() => tunnels.size === 1);
  request.destroy();
  await until(() => tunnels.size === 0);
});

test('CONNECT leads nowhere, over both versions', async () => {
  const before = seen.length;
  const client = await rawClient(world.httpPort);
  client.socket.write('CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => client.closed());
  assert.match(client.received(), /^HTTP\/1\.1 405 Method Not Allowed\r\nallow: GET, [\s\S]*CONNECT is not served\n$/);
  const session = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = session.request({ ':method': 'CONNECT', ':authority': '127.0.0.1:22' });
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 405);
  assert.match(String(headers['allow']), /^GET, /);
  session.destroy();
  assert.equal(seen.length, before);
});

/** A text message of a client, masked with zeros. */
function textFrame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

async function echoOverHttp2(): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  await once(session, 'remoteSettings');
  assert.equal(session.remoteSettings.enableConnectProtocol, true);
  const stream = session.request(
    { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/h2', 'sec-websocket-version': '13' },
    { endStream: false },
  );
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 200);
  assert.equal(headers['sec-websocket-accept'], undefined);
  stream.write(textFrame('over HTTP/2'));
  const [data] = (await once(stream, 'data')) as [Buffer];
  assert.equal(data.subarray(2).toString(), 'over HTTP/2');
  assert.equal((await world.connections())[0]?.protocol, 'http2');
  stream.close();
  session.close();
  await until(async () => (await world.connections()).length === 0);
}

test('a websocket over HTTP/2 (extended CONNECT) to a backend of HTTP/1.1', async () => {
  await echoOverHttp2();
  assert.equal(seen.at(-1)?.url, '/h2');
  await until(() => tunnels.size === 0);
  const session = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  await once(session, 'remoteSettings');
  const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/refused' });
  assert.equal((await once(stream, 'response'))[0][':status'], 401);
  session.destroy();
});

/** A stream that carries another protocol to a backend that only listens, even when it has heard the end. */
async function silence() {
  const session = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  await once(session, 'remoteSettings');
  const stream = session.request(
    { ':method': 'CONNECT', ':protocol': 'silence', ':path': '/h2' },
    { endStream: false },
  );
  stream.on('error', () => undefined);
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 200);
  return { session, stream };
}

const carried = async () => (await world.upstreams()).filter(({ protocol }) => protocol === 'upgraded').length;

test('what a client carries over HTTP/2 and resets is over at the backend too, as when it ends its side and goes', async () => {
  const reset = await silence();
  assert.equal(await carried(), 1);
  reset.stream.close(http2.constants.NGHTTP2_CANCEL);
  await until(async () => (await carried()) === 0);
  reset.session.destroy();
  const gone = await silence();
  const heard = [...tunnels].at(-1);
  gone.stream.end();
  await until(() => heard?.readableEnded === true);
  assert.equal(await carried(), 1);
  gone.session.destroy();
  await until(async () => (await carried()) === 0);
  for (const socket of tunnels) socket.destroy();
  await until(() => tunnels.size === 0);
});

test('HTTP/2 over HTTP/2 would lead past the routes: it is a 501, and the backend hears of nothing', async () => {
  const before = seen.length;
  const session = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  await once(session, 'remoteSettings');
  for (const protocol of ['h2c', 'H2C', 'h2', 'websocket, h2c']) {
    const stream = session.request({ ':method': 'CONNECT', ':protocol': protocol, ':path': '/h2' });
    const [headers] = await once(stream, 'response');
    assert.equal(headers[':status'], 501, protocol);
  }
  assert.equal(seen.length, before);
  session.destroy();
});

test('a websocket to a backend of HTTP/2, from clients of both versions; a backend that allows none is a 501', async (t) => {
  let protocols = 0;
  const session = (settings: http2.Settings) => {
    const server = http2.createServer({ settings });
    server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
      stream.on('error', () => undefined);
      if (headers[':protocol'] === 'websocket') protocols += 1;
      stream.respond({ ':status': 200 });
      stream.on('data', (frame: Buffer) => {
        const [mask, text] = [frame.subarray(2, 6), frame.subarray(6)];
        const echo = text.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
        stream.write(Buffer.concat([Buffer.from([0x81, text.length]), echo]));
      });
      stream.on('end', () => stream.end());
    });
    return server.listen(0, '127.0.0.1');
  };
  const [open, shut] = [session({ enableConnectProtocol: true }), session({})];
  await Promise.all([open, shut].map((server) => once(server, 'listening')));
  const policy = backendPolicy({ section: 'http', version: 'http2' });
  t.after(() => {
    for (const server of [open, shut]) server.close();
    world.remove(policy);
    world.apply(...portResources('http', world.httpPort, (backend.address() as AddressInfo).port));
  });
  world.apply(policy, ...portResources('http', world.httpPort, (open.address() as AddressInfo).port));
  await echoOverHttp2();
  const client = new WebSocket(`ws://127.0.0.1:${world.httpPort}/`, { perMessageDeflate: false });
  await once(client, 'open');
  client.send('from HTTP/1.1');
  assert.equal(String((await once(client, 'message'))[0]), 'from HTTP/1.1');
  client.terminate();
  assert.equal(protocols, 2);
  world.apply(...portResources('http', world.httpPort, (shut.address() as AddressInfo).port));
  const refused = await rawClient(world.httpPort);
  refused.socket.write(
    ask('Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='),
  );
  await until(() => refused.closed());
  assert.match(refused.received(), /^HTTP\/1\.1 501 [\s\S]*the backend takes no websocket over HTTP\/2\n$/);
});

test('an upgraded connection stays under its policies: keepalive live, no idle limit, closed at maxConnectionDuration', async () => {
  const before = await world.closes('max_duration');
  const socket = new WebSocket(`ws://127.0.0.1:${world.httpPort}/`);
  await once(socket, 'open');
  const keepalive = tcpPolicy({ timeMs: 30_000, intervalMs: 5_000, retries: 3 });
  world.apply(keepalive);
  await until(async () => (await world.connections())[0]?.keepalive.idleSeconds === 30);
  const idle = httpPolicy({ http1IdleTimeoutMs: 1_000 });
  world.apply(idle);
  await sleep(1_300);
  assert.equal(socket.readyState, WebSocket.OPEN);
  const closed = once(socket, 'close');
  world.apply(httpPolicy({ maxConnectionDurationMs: 1_500 }));
  await closed;
  await until(async () => (await world.closes('max_duration')) === before + 1);
  await until(() => tunnels.size === 0);
  world.remove(idle, keepalive);
});

test('a drain leaves an upgraded connection until its deadline', async (t) => {
  const own = await createWorld();
  t.after(() => own.stop());
  own.apply(...portResources('http', own.httpPort, (backend.address() as AddressInfo).port));
  const socket = new WebSocket(`ws://127.0.0.1:${own.httpPort}/`);
  await once(socket, 'open');
  const start = performance.now();
  const drained = own.worker.drain(600);
  socket.send('still here');
  assert.equal(String((await once(socket, 'message'))[0]), 'still here');
  await Promise.all([once(socket, 'close'), drained]);
  assert.ok(performance.now() - start >= 590);
});
