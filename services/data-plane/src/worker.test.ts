import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '@pulseplane/telemetry';
import { EndpointListenError } from './admin/endpoint.ts';
import { freePort } from './testing/free-port.ts';
import { createWorld, GATEWAY, listening, portResources, rawClient, tcpPolicy, until } from './testing/world.ts';
import { createWorker } from './worker.ts';

const SLOW_MS = 600;
/** For longer than this no connection of a listener that is gone goes on. */
const GRACE_MS = 5_500;

test('a worker is ready when its first configuration came, and no longer when it drains', async () => {
  const worker = createWorker({
    listenAddress: '127.0.0.1',
    adminAddress: '127.0.0.1',
    adminPort: 0,
    metricsPort: 0,
    readinessPort: 0,
    gateway: GATEWAY,
    logger: createLogger('test', 'silent'),
    version: 'test',
  });
  await worker.start();
  const url = `http://127.0.0.1:${worker.ports().readiness}/healthz/ready`;
  const ask = async () => {
    const response = await fetch(url);
    return [response.status, await response.text()];
  };
  assert.deepEqual(await ask(), [500, 'not ready, pending: config\n']);
  worker.configured();
  assert.deepEqual(await ask(), [200, 'ready\n']);
  await worker.drain(0);
  await assert.rejects(ask());
});

test('a busy port of its own refuses the start with its name, address and errno', async () => {
  const world = await createWorld();
  const { admin } = world.worker.ports();
  await assert.rejects(createWorld({ adminPort: admin }), (error) => {
    assert.ok(error instanceof EndpointListenError);
    assert.deepEqual([error.part, error.address, error.port, error.code], ['admin', '127.0.0.1', admin, 'EADDRINUSE']);
    return true;
  });
  await world.stop();
});

test('the own ports answer GET under loopback names only', async () => {
  const world = await createWorld();
  const { admin, metrics } = world.worker.ports();
  const ask = (port: number, host: string, method = 'GET', path = '/healthz') =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request({ port, host: '127.0.0.1', path, method, headers: { host } });
      asked.once('response', (response) => resolve(response.resume().statusCode));
      asked.once('error', reject);
      asked.end();
    });
  assert.equal(await ask(admin, `localhost:${admin}`), 200);
  assert.equal(await ask(admin, `127.0.0.1:${admin}`), 200);
  assert.equal(await ask(admin, 'rebound.example'), 403);
  assert.equal(await ask(admin, 'localhost', 'POST'), 405);
  assert.equal(await ask(admin, 'localhost', 'GET', '/nothing'), 404);
  assert.equal(await ask(metrics, 'localhost', 'GET', '/stats/prometheus'), 200);
  await world.stop();
});

test('a port in use is shown, retried until it is free, and disturbs no other port', async () => {
  const world = await createWorld();
  const held = await rawClient(world.tcpPort);
  const squatter = createServer().listen(await freePort(), '127.0.0.1');
  await once(squatter, 'listening');
  const { port } = squatter.address() as { port: number };
  const bind = portResources('http', port, 1)[0];
  assert.ok(bind);
  world.apply(bind);
  const dumped = async () => {
    const dump = (await (await world.admin('/config_dump')).json()) as { binds: { key: string; error?: string }[] };
    return dump.binds.find(({ key }) => key === bind.key)?.error;
  };
  await until(async () => (await dumped()) === 'EADDRINUSE');
  assert.match(await world.metrics(), new RegExp(`pulseplane_bind_up\\{bind="${bind.key}"\\} 0`));
  await new Promise((resolve) => squatter.close(resolve));
  await listening(port);
  await until(async () => (await dumped()) === undefined);
  held.socket.write('still here');
  await until(() => held.received() === 'still here');
  held.socket.destroy();
  await world.stop();
});

test('a removed port closes, its connections end as listener_removed, and other ports stay', async () => {
  const world = await createWorld();
  const waiting = await rawClient(world.httpPort);
  waiting.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => waiting.received().endsWith('hello\n'));
  const other = await rawClient(world.tcpPort);
  const bind = portResources('http', world.httpPort, 1)[0];
  assert.ok(bind);
  world.remove(bind);
  await until(() => waiting.closed());
  assert.equal(await world.closes('listener_removed'), 1);
  await assert.rejects(fetch(`http://127.0.0.1:${world.httpPort}/`));
  other.socket.write('still here');
  await until(() => other.received() === 'still here');
  other.socket.destroy();
  await world.stop();
});

test('raw connections go on when their listener comes back within the grace time', async () => {
  const world = await createWorld();
  const raw = await rawClient(world.tcpPort);
  raw.socket.write('one ');
  await until(() => raw.received() === 'one ');
  const resources = portResources('tcp', world.tcpPort, world.upstreamPorts.tcp);
  world.remove(...resources);
  await sleep(GRACE_MS / 4);
  world.apply(...resources, tcpPolicy({ timeMs: 44_000 }));
  await sleep(GRACE_MS);
  raw.socket.write('two');
  await until(() => raw.received() === 'one two');
  const [row] = await world.connections();
  assert.equal(row?.keepalive.idleSeconds, 44);
  raw.socket.destroy();
  await world.stop();
});

test('a listener that comes and goes often leaves nothing behind on its connections', async (t) => {
  const warnings: string[] = [];
  const warned = ({ message }: Error) => void warnings.push(message);
  process.on('warning', warned);
  const world = await createWorld();
  const raw = await rawClient(world.tcpPort);
  t.after(async () => {
    process.off('warning', warned);
    raw.socket.destroy();
    await world.stop();
  });
  const resources = portResources('tcp', world.tcpPort, world.upstreamPorts.tcp);
  for (let times = 1; times <= 12; times += 1) {
    world.remove(...resources);
    await sleep(10);
    world.apply(...resources);
    await sleep(10);
  }
  raw.socket.write('still here');
  await until(() => raw.received() === 'still here');
  assert.deepEqual(warnings, []);
});

test('a raw connection of which one side has ended goes on as well, or ends with its listener', async (t) => {
  const world = await createWorld();
  const sockets: Socket[] = [];
  const backend = createServer({ allowHalfOpen: true }, (socket) => void sockets.push(socket.resume()));
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  t.after(async () => {
    await world.stop();
    for (const socket of sockets) socket.destroy();
    backend.close();
  });
  const resources = portResources('tcp', world.tcpPort, (backend.address() as AddressInfo).port);
  world.apply(...resources);
  const ended = await rawClient(world.tcpPort);
  ended.socket.end('all that I have');
  await until(() => sockets[0]?.readableEnded === true);
  world.remove(...resources);
  await sleep(GRACE_MS / 4);
  world.apply(...resources);
  await sleep(GRACE_MS);
  sockets[0]?.write('an answer');
  await until(() => ended.received() === 'an answer');
  world.remove(...resources);
  await until(() => ended.closed(), 2 * GRACE_MS);
  assert.equal(await world.closes('listener_removed'), 1);
});

test('a port that changes its protocol lets go of the connections of the former one', async () => {
  const world = await createWorld();
  const waiting = await rawClient(world.httpPort);
  waiting.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => waiting.received().endsWith('hello\n'));
  const raw = await rawClient(world.tcpPort);
  raw.socket.write('raw');
  await until(() => raw.received() === 'raw');
  const [http] = portResources('http', world.httpPort, 1);
  const [tcp] = portResources('tcp', world.tcpPort, 1);
  assert.ok(http?.kind === 'bind' && tcp?.kind === 'bind');
  world.apply({ ...http, protocol: 'tcp' }, { ...tcp, protocol: 'http' });
  await until(() => waiting.closed());
  assert.equal(await world.closes('listener_removed'), 1);
  // Raw TCP may go on for the grace time.
  assert.equal(raw.closed(), false);
  await until(() => raw.closed(), 6_000);
  assert.equal(await world.closes('listener_removed'), 2);
  const fresh = await rawClient(world.tcpPort);
  fresh.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => fresh.received().startsWith('HTTP/1.1 404'));
  fresh.socket.destroy();
  await world.stop();
});

test('a drain refuses what is new, finishes what is in flight, and closes the rest at the deadline', async () => {
  const world = await createWorld({
    onRequest: (_request, response) => void setTimeout(() => response.end('done\n'), SLOW_MS),
  });
  const one = await rawClient(world.httpPort);
  one.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/' });
  let body = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  const raw = await rawClient(world.tcpPort);
  await until(async () => (await world.connections()).length === 3);
  const start = performance.now();
  const goaway = once(client, 'goaway');
  const drained = world.worker.drain(1_500);
  await goaway;
  await assert.rejects(fetch(`http://127.0.0.1:${world.httpPort}/`));
  await once(stream, 'end');
  assert.equal(body, 'done\n');
  await until(() => one.closed());
  assert.match(one.received(), /connection: close[\s\S]*done\n$/i);
  assert.equal(raw.closed(), false);
  await drained;
  const took = performance.now() - start;
  assert.ok(took >= 1_450 && took < 2_500, `drained in ${took} ms`);
  await until(() => raw.closed());
  await world.stop();
});

test('a connection that has not spoken when a drain begins has a second to: what comes is served, and is the last', async (t) => {
  const world = await createWorld();
  t.after(() => world.stop());
  const one = await rawClient(world.httpPort);
  const two = await rawClient(world.httpPort);
  const silent = await rawClient(world.httpPort);
  await until(async () => (await world.connections()).length === 3);
  const start = performance.now();
  const drained = world.worker.drain(4_000);
  await sleep(800);
  one.socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
  await until(() => one.closed());
  assert.match(one.received(), /^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*hello\n$/i);
  two.socket.removeAllListeners('data');
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`, { createConnection: () => two.socket });
  const goaway = once(client, 'goaway');
  const stream = client.request({ ':path': '/' });
  const [headers] = await once(stream, 'response');
  stream.resume();
  assert.equal(headers[':status'], 200);
  assert.equal((await goaway)[0], 0);
  await until(() => silent.closed());
  assert.equal(silent.received(), '');
  await drained;
  const took = performance.now() - start;
  assert.ok(took >= 1_200 && took < 3_500, `drained in ${took} ms`);
});
