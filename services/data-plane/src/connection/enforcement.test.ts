import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createWorld, httpPolicy, rawClient, tcpPolicy, until, type World } from '../testing/world.ts';

const run = promisify(execFile);
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const TCP = tcpPolicy({ timeMs: 30_000, intervalMs: 5_000, retries: 3 });
const TCP_KEY = 'frontend/httpbin/httpbin-keepalive:frontend-tcp:httpbin/agentgateway-proxy';
const HTTP_KEY = 'frontend/httpbin/httpbin-keepalive:frontend-http:httpbin/agentgateway-proxy';
let world: World;

before(async () => {
  world = await createWorld({
    onRequest(request, response) {
      if (request.url !== '/slow') return void response.end('hello\n');
      response.write('first ');
      setTimeout(() => response.end('last\n'), 1_500);
    },
  });
});

after(() => world.stop());

test('a new TCP policy reaches open connections of every protocol, and its end restores what they had', async () => {
  const one = await rawClient(world.httpPort);
  one.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const two = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  await once(two, 'remoteSettings');
  const raw = await rawClient(world.tcpPort);
  const silent = await rawClient(world.httpPort);
  await until(async () => (await world.connections()).length === 4);
  const former = await world.connections();
  assert.deepEqual(former.map(({ protocol }) => protocol).sort(), ['http1', 'http2', 'tcp', 'unknown']);
  assert.ok(former.every(({ keepalive, policy }) => !keepalive.enabled && policy.tcp === null));

  world.apply(TCP);
  await until(async () => (await world.connections()).every(({ keepalive }) => keepalive.enabled));
  for (const { keepalive, policy, unansweredProbes } of await world.connections()) {
    assert.deepEqual(keepalive, { enabled: true, idleSeconds: 30, intervalSeconds: 5, probes: 3, userTimeoutMs: 0 });
    assert.equal(policy.tcp, TCP_KEY);
    assert.equal(unansweredProbes, 0);
  }
  const { stdout } = await run('ss', ['-Htno', 'state', 'established', `( sport = :${world.httpPort} )`]);
  const timers = stdout.split('\n').filter((line) => /timer:\(keepalive,(2\d|30)\S*sec,0\)/.test(line));
  assert.equal(timers.length, 3, stdout);

  world.apply(tcpPolicy({ timeMs: 60_000 }));
  await until(async () => (await world.connections()).every(({ keepalive }) => keepalive.idleSeconds === 60));
  assert.ok((await world.connections()).every(({ keepalive }) => keepalive.probes === 9));

  world.remove(TCP);
  await until(async () => (await world.connections()).every(({ keepalive }) => !keepalive.enabled));
  const restored = await world.connections();
  assert.deepEqual(
    restored.map(({ keepalive }) => keepalive),
    former.map(({ keepalive }) => keepalive),
  );
  two.destroy();
  for (const { socket } of [one, raw, silent]) socket.destroy();
  await until(async () => (await world.connections()).length === 0);
});

test('a connection accepted under a policy has its values from the start', async () => {
  world.apply(TCP);
  const raw = await rawClient(world.tcpPort);
  await until(async () => (await world.connections())[0]?.keepalive.idleSeconds === 30);
  raw.socket.destroy();
  world.remove(TCP);
  await until(async () => (await world.connections()).length === 0);
});

test('the page tells bytes, the policy and the last PING round trip', async () => {
  const policy = httpPolicy({ http2KeepaliveIntervalMs: 300, http2KeepaliveTimeoutMs: 1_000 });
  world.apply(policy);
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const stream = client.request({ ':path': '/' });
  stream.resume();
  await once(stream, 'end');
  await until(async () => (await world.connections())[0]?.lastPingRttMs !== null);
  const [row] = await world.connections();
  assert.ok(row);
  assert.equal(row.policy.http, HTTP_KEY);
  assert.equal(row.listener, 'httpbin/agentgateway-proxy.http');
  assert.ok(row.bytesIn > 50 && row.bytesOut > 50, JSON.stringify(row));
  assert.ok(row.lastPingRttMs !== null && row.lastPingRttMs < 300);
  assert.match(await world.metrics(), /pulseplane_http2_pings_sent_total [1-9]/);
  assert.match(await world.metrics(), /pulseplane_http2_ping_rtt_seconds_bucket\{le="0.25"\} [1-9]/);
  assert.ok((await world.metrics()).includes(`pulseplane_policy_connections_open{policy="${HTTP_KEY}"} 1`));
  client.destroy();
  await until(async () => (await world.connections()).length === 0);
  const closes = `pulseplane_policy_connection_closes_total{policy="${HTTP_KEY}",reason="peer"} 1`;
  assert.ok((await world.metrics()).includes(closes));
  world.remove(policy);
});

test('a frozen HTTP/2 client is closed at interval plus timeout with reason ping_timeout', async (t) => {
  const before = await world.closes('ping_timeout');
  const policy = httpPolicy({ http2KeepaliveIntervalMs: 1_000, http2KeepaliveTimeoutMs: 1_000 });
  world.apply(policy);
  const frozen = await rawClient(world.httpPort);
  const start = performance.now();
  frozen.socket.write(PREFACE);
  frozen.socket.write(SETTINGS);
  const alive = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  await until(() => frozen.closed(), 4_000);
  const took = performance.now() - start;
  t.diagnostic(`closed after ${took.toFixed(0)} ms`);
  assert.ok(took >= 1_900 && took <= 2_400, `closed after ${took} ms`);
  await until(async () => (await world.closes('ping_timeout')) === before + 1);
  assert.match(await world.metrics(), /pulseplane_keepalive_failures_total\{kind="http2"\} [1-9]/);
  assert.equal(alive.destroyed, false);
  assert.equal((await world.connections()).length, 1);
  alive.destroy();
  world.remove(policy);
});

test('PING settings reach an open session, and their end stops the PINGs', async () => {
  const frozen = await rawClient(world.httpPort);
  frozen.socket.write(PREFACE);
  frozen.socket.write(SETTINGS);
  await sleep(200);
  const policy = httpPolicy({ http2KeepaliveIntervalMs: 300, http2KeepaliveTimeoutMs: 60_000 });
  world.apply(policy);
  const pings = () => frames(frozen.received()).filter((type) => type === 6).length;
  await until(() => pings() === 1);
  world.remove(policy);
  await sleep(500);
  assert.equal(pings(), 1);
  assert.equal(frozen.closed(), false);
  frozen.socket.destroy();
});

test('frames that keep coming hold the PING back', async () => {
  const policy = httpPolicy({ http2KeepaliveIntervalMs: 600, http2KeepaliveTimeoutMs: 300 });
  world.apply(policy);
  const busy = await rawClient(world.httpPort);
  busy.socket.write(PREFACE);
  busy.socket.write(SETTINGS);
  for (let n = 0; n < 12; n += 1) {
    await sleep(150);
    busy.socket.write(SETTINGS);
  }
  assert.equal(busy.closed(), false);
  assert.equal(frames(busy.received()).filter((type) => type === 6).length, 0);
  await until(() => busy.closed());
  world.remove(policy);
});

test('a connection that waits too long for a request is closed as idle_timeout, also when it was open already', async () => {
  const before = await world.closes('idle_timeout');
  const silent = await rawClient(world.httpPort);
  const waiting = await rawClient(world.httpPort);
  waiting.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => waiting.received().endsWith('hello\n'));
  const dripping = await rawClient(world.httpPort);
  dripping.socket.write('GET / HTTP/1.1\r\n');
  const drip = setInterval(() => dripping.socket.write('X: 1\r\n'), 100);
  const busy = httpRequest({ port: world.httpPort, path: '/slow', agent: false }).end();
  const policy = httpPolicy({ http1IdleTimeoutMs: 1_000 });
  world.apply(policy);
  const [response] = await once(busy, 'response');
  await until(() => silent.closed() && waiting.closed() && dripping.closed());
  clearInterval(drip);
  let body = '';
  for await (const chunk of response) body += chunk;
  assert.equal(body, 'first last\n');
  assert.ok((await world.closes('idle_timeout')) >= before + 3);
  world.remove(policy);
  for (const { socket } of [silent, waiting, dripping]) socket.destroy();
});

test('after maxConnectionDuration a connection finishes what it has and then closes', async () => {
  const before = await world.closes('max_duration');
  const idle = await rawClient(world.httpPort);
  idle.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const client = http2.connect(`http://127.0.0.1:${world.httpPort}`);
  const goaway = once(client, 'goaway');
  const stream = client.request({ ':path': '/slow' });
  let body = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  const policy = httpPolicy({ maxConnectionDurationMs: 700 });
  world.apply(policy);
  await goaway;
  await once(stream, 'end');
  assert.equal(body, 'first last\n');
  await until(() => idle.closed() && client.destroyed);
  await until(async () => (await world.closes('max_duration')) === before + 2);
  world.remove(policy);
  idle.socket.destroy();
});

test('a thousand open connections get a new policy without a long pause of the event loop', async (t) => {
  const clients: Awaited<ReturnType<typeof rawClient>>[] = [];
  while (clients.length < 1_000) {
    // Fewer at once than a listening socket's queue holds.
    clients.push(...(await Promise.all(Array.from({ length: 100 }, () => rawClient(world.tcpPort)))));
  }
  await until(async () => (await world.connections()).length === 1_000, 10_000);
  world.apply(TCP);
  const start = performance.now();
  await until(async () => (await world.connections()).every(({ keepalive }) => keepalive.idleSeconds === 30));
  t.diagnostic(`applied and read back within ${(performance.now() - start).toFixed(0)} ms`);
  world.remove(TCP);
  for (const { socket } of clients) socket.destroy();
  await until(async () => (await world.connections()).length === 0);
});

/** Types of the HTTP/2 frames in a stream of bytes. */
function frames(bytes: string): readonly number[] {
  const types: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const byte = (offset: number) => bytes.charCodeAt(at + offset);
    types.push(byte(3));
    at += 9 + byte(0) * 65_536 + byte(1) * 256 + byte(2);
  }
  return types;
}
