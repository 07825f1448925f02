import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { backendPolicy, createWorld, portResources, until, type World } from '../testing/world.ts';

const LIMITS = { upstreamQuietMs: 300, upstreamPingTimeoutMs: 300 };

async function listen(server: Server | HttpServer | http2.Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A worker in front of an HTTP/1.1 backend. */
async function inFrontOf(t: TestContext, backend: Server | HttpServer): Promise<World> {
  const world = await createWorld();
  t.after(async () => {
    await world.stop();
    if ('closeAllConnections' in backend) backend.closeAllConnections();
    backend.close();
  });
  world.apply(...portResources('http', world.httpPort, await listen(backend)));
  return world;
}

/** A worker in front of an HTTP/2 backend, with a wire between that can be frozen. */
async function behindWire(t: TestContext, onStream: (stream: ServerHttp2Stream, session: number) => void) {
  const sessions: ServerHttp2Session[] = [];
  const backend = http2.createServer();
  backend.on('session', (session) => {
    const number = sessions.push(session) - 1;
    session.on('error', () => undefined);
    session.on('stream', (stream) => {
      stream.on('error', () => undefined);
      onStream(stream, number);
    });
  });
  const port = await listen(backend);
  const wires: [Socket, Socket][] = [];
  const wire = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far).pipe(near);
    near.once('close', () => far.destroy());
    wires.push([near, far]);
  });
  const world = await createWorld({ limits: LIMITS });
  world.apply(
    ...portResources('http', world.httpPort, await listen(wire)),
    backendPolicy({ section: 'http', version: 'http2' }),
  );
  t.after(async () => {
    await world.stop();
    for (const session of sessions) session.destroy();
    for (const sockets of wires) for (const socket of sockets) socket.destroy();
    backend.close();
    wire.close();
  });
  return {
    world,
    sessions,
    freeze: (index: number) => {
      for (const socket of wires[index] ?? []) socket.unpipe();
    },
  };
}

const hello = (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': 200 });
  stream.end('hello');
};

async function ask(world: World, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${world.httpPort}/`, init);
  return `${response.status} ${await response.text()}`;
}

async function poolEvents(world: World, event: string): Promise<number> {
  const line = (await world.metrics()).split('\n').find((text) => text.includes(`event="${event}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

test('a quiet session that is dead is found by a PING before it gets a request, also one with a body', async (t) => {
  const { world, sessions, freeze } = await behindWire(t, hello);
  assert.equal(await ask(world), '200 hello');
  freeze(0);
  await sleep(350);
  const start = performance.now();
  assert.equal(await ask(world, { method: 'POST', body: 'order' }), '200 hello');
  const took = performance.now() - start;
  t.diagnostic(`answered after ${took.toFixed(0)} ms`);
  assert.ok(took >= 100 && took < 1_500);
  assert.equal(sessions.length, 2);
  assert.equal(await poolEvents(world, 'evicted'), 1);
  assert.equal(await poolEvents(world, 'retried'), 1);
});

test('a quiet session that lives is used again after a PING, one in steady use without', async (t) => {
  const { world, sessions } = await behindWire(t, hello);
  let pings = 0;
  assert.equal(await ask(world), '200 hello');
  sessions[0]?.on('ping', () => {
    pings += 1;
  });
  assert.equal(await ask(world), '200 hello');
  assert.equal(pings, 0);
  await sleep(400);
  assert.deepEqual(await Promise.all([ask(world), ask(world)]), ['200 hello', '200 hello']);
  assert.equal(pings, 1);
  assert.equal(sessions.length, 1);
  const [row] = await world.upstreams();
  assert.ok(row !== undefined && row.lastPingRttMs !== null && row.lastPingRttMs < 300, JSON.stringify(row));
});

test('a session that rests is asked once; one that is dead then is let go of before a request comes', async (t) => {
  const { world, sessions, freeze } = await behindWire(t, hello);
  assert.equal(await ask(world), '200 hello');
  let pings = 0;
  sessions[0]?.on('ping', () => {
    pings += 1;
  });
  await sleep(1_200);
  assert.equal(pings, 1);
  assert.equal((await world.upstreams()).length, 1);
  assert.equal(await ask(world), '200 hello');
  assert.equal(sessions.length, 1);

  freeze(0);
  await until(async () => (await world.upstreams()).length === 0);
  assert.equal(await poolEvents(world, 'evicted'), 1);
  const start = performance.now();
  assert.equal(await ask(world, { method: 'POST', body: 'order' }), '200 hello');
  assert.ok(performance.now() - start < 290);
  assert.equal(sessions.length, 2);
  assert.equal(await poolEvents(world, 'retried'), 0);
});

test('a backend that complains of PINGs is asked half as often', async (t) => {
  const { world, sessions } = await behindWire(t, hello);
  assert.equal(await ask(world), '200 hello');
  sessions[0]?.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
  await until(async () => (await poolEvents(world, 'too_many_pings')) === 1);
  assert.equal(await ask(world), '200 hello');
  let pings = 0;
  sessions.at(-1)?.on('ping', () => {
    pings += 1;
  });
  await sleep(400);
  assert.equal(await ask(world), '200 hello');
  assert.equal(pings, 0);
  await sleep(700);
  assert.equal(await ask(world), '200 hello');
  assert.equal(pings, 1);
});

test('a request that the backend has not looked at is sent again once, also a POST; one of two refusals is told', async (t) => {
  let seen = 0;
  const { world } = await behindWire(t, (stream) => {
    seen += 1;
    if (seen === 2 || seen > 3) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    else hello(stream);
  });
  assert.equal(await ask(world), '200 hello');
  assert.equal(await ask(world, { method: 'POST' }), '200 hello');
  assert.equal(seen, 3);
  assert.equal(await ask(world), '503 upstream unreachable\n');
  assert.equal(seen, 5);
});

test('a session that breaks off under a request: GET is sent again, POST is not', async (t) => {
  let seen = 0;
  const { world, sessions } = await behindWire(t, (stream, session) => {
    seen += 1;
    if (seen % 2 === 1) hello(stream);
    else sessions[session]?.destroy();
  });
  assert.equal(await ask(world), '200 hello');
  assert.equal(await ask(world), '200 hello');
  assert.equal(seen, 3);
  assert.match(await ask(world, { method: 'POST' }), /^503 /);
  assert.equal(seen, 4);
});

test('over HTTP/1.1 a pooled connection that dies under a request: GET is sent again, POST and a fresh one are not', async (t) => {
  let seen = 0;
  const dies = new Set([2, 5, 6]);
  const backend = createHttpServer((request, response) => {
    seen += 1;
    if (dies.has(seen)) request.socket.destroy();
    else response.end('hello');
  });
  const world = await inFrontOf(t, backend);
  assert.equal(await ask(world), '200 hello');
  assert.equal(await ask(world), '200 hello');
  assert.equal(seen, 3);
  assert.equal(await ask(world), '200 hello');
  assert.match(await ask(world, { method: 'POST' }), /^503 /);
  assert.equal(seen, 5);
  // No connection is left in the pool, so this one is fresh: the backend itself is at fault.
  assert.match(await ask(world), /^503 /);
  assert.equal(seen, 6);
  assert.equal(await poolEvents(world, 'retried'), 1);
});

test('over HTTP/1.1 an idle connection is closed before the backend would, when that has said when', async (t) => {
  const ends: string[] = [];
  const backend = createHttpServer({ keepAliveTimeout: 3_000 }, (_request, response) => response.end('hello\n'));
  backend.on('connection', (socket) => {
    socket.on('end', () => ends.push('worker'));
    socket.on('timeout', () => ends.push('backend'));
  });
  const world = await inFrontOf(t, backend);
  for (const answer of [await ask(world), await ask(world)]) assert.equal(answer, '200 hello\n');
  assert.equal((await world.upstreams()).length, 1);
  await until(async () => (await world.upstreams()).length === 0, 2_900);
  await until(() => ends.length > 0);
  assert.deepEqual(ends, ['worker']);
});

/** A backend that answers each request on a connection with the next of some texts. */
async function answering(t: TestContext, texts: readonly string[]) {
  let connections = 0;
  let asked = 0;
  const backend = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      socket.write(texts[asked] ?? 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
      asked += 1;
    });
  });
  const world = await inFrontOf(t, backend);
  return { world, connections: () => connections };
}

const POISON = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison';

test('over HTTP/1.1 what a backend says beyond an answer reaches nobody', async (t) => {
  const { world, connections } = await answering(t, [
    `HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst${POISON}`,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nthird\r\n0\r\n\r\n${POISON}`,
    `HTTP/1.1 204 No Content\r\n\r\n${POISON}`,
  ]);
  for (const answer of ['200 first', '200 third', '204 ', '200 hello', '200 hello']) {
    assert.equal(await ask(world), answer);
  }
  assert.equal(connections(), 4);
});

test('over HTTP/1.1 a connection on which a backend speaks unasked is not used again', async (t) => {
  const sockets: Socket[] = [];
  const backend = createHttpServer((_request, response) => response.end('hello'));
  backend.on('connection', (socket: Socket) => sockets.push(socket));
  const world = await inFrontOf(t, backend);
  assert.equal(await ask(world), '200 hello');
  sockets[0]?.write(POISON);
  await until(async () => (await world.upstreams()).length === 0);
  assert.equal(await ask(world), '200 hello');
  assert.equal(sockets.length, 2);
});

test('over HTTP/1.1 a body that is sent with the answer to HEAD is not taken for an answer', async (t) => {
  const { world } = await answering(t, [`HTTP/1.1 200 OK\r\ncontent-length: ${POISON.length}\r\n\r\n${POISON}`]);
  assert.equal(await ask(world, { method: 'HEAD' }), '200 ');
  assert.equal(await ask(world), '200 hello');
});

test('over HTTP/1.1 an answer that can be read in two ways is a 503, and ends its connection', async (t) => {
  const bad = [
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello',
    'HTTP/1.1 200 OK\ncontent-length: 5\r\n\r\nhello',
    'SSH-2.0-x\r\n',
  ];
  const { world, connections } = await answering(t, bad);
  for (const _ of bad) assert.equal(await ask(world), '503 upstream unreachable\n');
  assert.equal(await ask(world), '200 hello');
  assert.equal(connections(), bad.length + 1);
});
