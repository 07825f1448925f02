import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultLimits } from '../limits.ts';
import { frame } from '../testing/http2-client.ts';
import { createWorld, rawClient, until, type World } from '../testing/world.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** An upstream that counts, and answers everything but `/never`. */
function counting() {
  const count = { open: 0, most: 0, seen: 0 };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    count.seen += 1;
    count.open += 1;
    count.most = Math.max(count.most, count.open);
    response.once('close', () => {
      count.open -= 1;
    });
    if (request.url !== '/never') response.end('hello\n');
  };
  return { count, onRequest };
}

async function ask(world: World, path = '/'): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${world.httpPort}${path}`);
  return `${response.status} ${await response.text()}`;
}

test('the limits follow from the descriptors of the process', () => {
  const { clientConnections, upstreamSockets, upstreamRequests } = defaultLimits(1_024);
  assert.deepEqual([clientConnections, upstreamSockets, upstreamRequests], [416, 416, 208]);
  assert.equal(defaultLimits(100).clientConnections, 16);
  assert.equal(defaultLimits(1_048_576).upstreamRequests, 1_024);
});

test('a backend has so many requests under way, so many wait, and the rest are 503', async (t) => {
  const { count, onRequest } = counting();
  const limits = { upstreamRequests: 3, upstreamWaiting: 2, upstreamWaitMs: 500 };
  const world = await createWorld({ onRequest, limits });
  t.after(() => world.stop());
  const busy = await Promise.all([1, 2, 3].map(() => rawClient(world.httpPort)));
  for (const { socket } of busy) socket.write(get('/never'));
  await until(() => count.open === 3);
  const late = ask(world);
  const waiting = await rawClient(world.httpPort);
  waiting.socket.write(get('/'));
  await sleep(50);
  assert.equal(await ask(world), '503 too many requests wait for the upstream\n');
  // One that leaves the line makes room in it.
  waiting.socket.destroy();
  await sleep(50);
  const served = ask(world);
  await sleep(50);
  busy[0]?.socket.destroy();
  assert.deepEqual(await Promise.all([late, served]), ['200 hello\n', '200 hello\n']);
  busy.push(await rawClient(world.httpPort));
  busy.at(-1)?.socket.write(get('/never'));
  await until(() => count.open === 3);
  assert.equal(await ask(world), '503 too many requests wait for the upstream\n');
  assert.equal(count.most, 3);
  assert.equal(count.seen, 6);
  assert.match(await world.metrics(), /pulseplane_upstream_overflows_total\{backend="httpbin\/http-upstream"\} 2/);
  for (const { socket } of busy) socket.destroy();
});

test('all backends together have so many sockets, those of raw TCP included', async (t) => {
  const { count, onRequest } = counting();
  const world = await createWorld({ onRequest, limits: { upstreamSockets: 2 } });
  t.after(() => world.stop());
  // Those that told that the ports are open had upstream connections too.
  await until(async () => (await world.connections()).length === 0);
  const raw = await rawClient(world.tcpPort);
  raw.socket.write('through');
  await until(() => raw.received() === 'through');
  const busy = await rawClient(world.httpPort);
  busy.socket.write(get('/never'));
  await until(() => count.open === 1);
  assert.equal(await ask(world), '503 too many upstream connections\n');
  const refused = await rawClient(world.tcpPort);
  await until(() => refused.closed());
  busy.socket.destroy();
  await until(() => count.open === 0);
  assert.equal(await ask(world), '200 hello\n');
  raw.socket.destroy();
});

test('a client beyond the connections that the worker takes is closed; the pages answer; then there is room', async (t) => {
  const world = await createWorld({ limits: { clientConnections: 2 } });
  t.after(() => world.stop());
  const first = await rawClient(world.httpPort);
  const second = await rawClient(world.tcpPort);
  await until(async () => (await world.connections()).length === 2);
  const third = await rawClient(world.httpPort);
  await until(() => third.closed());
  assert.equal((await world.connections()).length, 2);
  assert.match(await world.metrics(), /pulseplane_downstream_connections_refused_total 1/);
  for (const { socket } of [first, second]) socket.destroy();
  await until(async () => (await world.connections()).length === 0);
  assert.equal(await ask(world), '200 hello\n');
});

test('a request head that has begun has its own limit, the wait before its first byte has not', async (t) => {
  const world = await createWorld({
    limits: { requestHeadMs: 300 },
    onRequest: (_request, response) => void setTimeout(() => response.end('hello\n'), 700),
  });
  t.after(() => world.stop());
  const silent = await rawClient(world.httpPort);
  const idle = await rawClient(world.httpPort);
  idle.socket.write(get('/'));
  const begun = await rawClient(world.httpPort);
  begun.socket.write('GET /x HTTP/1.1\r\n');
  await until(() => begun.closed());
  assert.match(begun.received(), /^HTTP\/1.1 408 /);
  assert.equal(await world.closes('first_byte_timeout'), 1);
  // The second head is late while the first answer is under way: that is finished before.
  const second = await rawClient(world.httpPort);
  second.socket.write(`${get('/')}GET /x`);
  await until(() => second.received().endsWith('hello\n'));
  assert.equal(second.closed(), false);
  await until(() => second.closed());
  assert.equal(await world.closes('first_byte_timeout'), 2);
  // Kept alive, then begun.
  idle.socket.write('GET /x');
  await sleep(100);
  assert.equal(idle.closed(), false);
  await until(() => idle.closed());
  assert.match(idle.received(), /200 OK[\s\S]*hello\n[\s\S]*408 /);
  assert.equal(silent.closed(), false);
  silent.socket.destroy();
});

test('a request body that stops arriving is a 408, one that goes on slowly is not', async (t) => {
  const world = await createWorld({
    limits: { requestBodyIdleMs: 300 },
    onRequest: (request, response) => void request.resume().once('end', () => response.end('hello\n')),
  });
  t.after(() => world.stop());
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n';
  const [stopped, slow] = [await rawClient(world.httpPort), await rawClient(world.httpPort)];
  stopped.socket.write(`${head}abc`);
  slow.socket.write(head);
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/', ':method': 'POST' }, { endStream: false });
  stream.write('abc');
  const response = once(stream, 'response');
  for (const byte of 'abcdef') {
    await sleep(100);
    slow.socket.write(byte);
  }
  await until(() => slow.received().endsWith('hello\n'));
  await until(() => stopped.closed());
  assert.match(stopped.received(), /^HTTP\/1.1 408 [\s\S]*the request body did not arrive in time\n$/);
  assert.equal((await response)[0][':status'], 408);
  assert.equal(client.destroyed, false);
  assert.equal(await world.closes('first_byte_timeout'), 1);
  client.destroy();
  slow.socket.destroy();
});

test('an HTTP/2 session has 200 streams, and resetting them does not pile up requests', async (t) => {
  const { count, onRequest } = counting();
  const world = await createWorld({ onRequest, limits: { upstreamRequests: 250 } });
  t.after(() => world.stop());
  const wide = await rawClient(world.httpPort);
  wide.socket.write(PREFACE);
  wide.socket.write(frame(4, 0, 0));
  for (let id = 1; id <= 600; id += 2) wide.socket.write(headers(id));
  await until(() => count.open === 200);
  await sleep(100);
  assert.equal(count.most, 200);
  wide.socket.destroy();
  await until(() => count.open === 0);

  const rapid = await rawClient(world.httpPort);
  rapid.socket.write(PREFACE);
  rapid.socket.write(frame(4, 0, 0));
  for (let id = 1; id <= 10_000; id += 2) {
    rapid.socket.write(Buffer.concat([headers(id), frame(3, 0, id, Buffer.from([0, 0, 0, 8]))]));
  }
  await sleep(300);
  assert.equal(await ask(world), '200 hello\n');
  t.diagnostic(`5,000 resets: closed ${rapid.closed()}, ${count.most} at once, ${count.seen} in all`);
  assert.ok(count.most <= 250, `${count.most} at once`);
  rapid.socket.destroy();
  await until(() => count.open === 0);
});

/** GET /never, whole, with all names from HPACK's static table. */
function headers(stream: number): Buffer {
  const block = Buffer.concat([
    Buffer.from([0x82, 0x86, 0x41, 1]),
    Buffer.from('a'),
    Buffer.from([0x04, 6]),
    Buffer.from('/never'),
  ]);
  return frame(1, 0x5, stream, block);
}
