import assert from 'node:assert/strict';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createWorld,
  httpPolicy,
  portResources,
  proxyPolicy,
  rawClient,
  tcpPolicy,
  until,
  type World,
} from '../testing/world.ts';

const V1 = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n');
const V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000fc0000207c6336401dc0401bb040000', 'hex');
const V2_LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
const GET = Buffer.from('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
const KEEPALIVE = { enabled: true, idleSeconds: 33, intervalSeconds: 4, probes: 5, userTimeoutMs: 0 };

let world: World;
let forwardedFor: string | undefined;

before(async () => {
  world = await createWorld({
    limits: { proxyHeaderMs: 1_000 },
    onRequest(request, response) {
      forwardedFor = String(request.headers['x-forwarded-for']);
      response.end('hello\n');
    },
  });
  world.apply(tcpPolicy({ timeMs: 33_000, intervalMs: 4_000, retries: 5 }));
});

after(() => world.stop());

beforeEach(() => {
  forwardedFor = undefined;
  world.apply(proxyPolicy('strict'));
});

/** Sends bytes in pieces to the HTTP port, and gives back what the worker answered when it has closed. */
async function send(...pieces: readonly Uint8Array[]): Promise<string> {
  const client = await rawClient(world.httpPort);
  client.socket.setNoDelay(true);
  for (const piece of pieces) {
    client.socket.write(piece);
    await sleep(2);
  }
  await until(() => client.closed());
  client.socket.destroy();
  return client.received();
}

/** One byte after the other. */
function bytewise(bytes: Buffer): readonly Buffer[] {
  return [...bytes].map((byte) => Buffer.of(byte));
}

describe('the client that a proxy speaks for is who X-Forwarded-For names', () => {
  const cases = [
    ['v1', [Buffer.concat([V1, GET])], '192.0.2.7'],
    ['v2 with a TLV', [Buffer.concat([V2, GET])], '192.0.2.7'],
    ['v2 with LOCAL', [V2_LOCAL, GET], '127.0.0.1'],
    ['v1 byte by byte', [...bytewise(V1), GET], '192.0.2.7'],
    ['v2 byte by byte', [...bytewise(V2), GET], '192.0.2.7'],
  ] as const;
  for (const [what, pieces, address] of cases) {
    test(what, async () => {
      assert.match(await send(...pieces), /^HTTP\/1\.1 200 /);
      assert.equal(forwardedFor, address);
    });
  }
});

test('the page shows the client and the proxy, and keepalive holds on the socket itself', async () => {
  const http = await rawClient(world.httpPort);
  http.socket.write(Buffer.concat([V1, Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')]));
  const tcp = await rawClient(world.tcpPort);
  tcp.socket.write(Buffer.concat([V2, Buffer.from('hello')]));
  await until(() => tcp.received() === 'hello' && http.received().includes('200'));
  const rows = await world.connections();
  for (const { socket } of [http, tcp]) {
    const row = rows.find(({ via }) => via === `127.0.0.1:${socket.localPort}`);
    assert.equal(row?.peer, '192.0.2.7:56324');
    assert.deepEqual(row?.keepalive, KEEPALIVE);
    assert.match(row?.policy.proxyProtocol ?? '', /frontend-proxy/);
    socket.destroy();
  }
});

describe('without a header that is asked for a connection is closed as proxy_header', () => {
  const cases: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['another protocol', [GET]],
    ['a malformed one', [Buffer.from('PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n'), GET]],
    ['one that stops', [V2.subarray(0, 20)]],
    ['nothing', []],
  ];
  for (const [what, pieces] of cases) {
    test(what, async () => {
      const before = await world.closes('proxy_header');
      assert.equal(await send(...pieces), '');
      await until(async () => (await world.closes('proxy_header')) === before + 1);
      assert.equal(forwardedFor, undefined);
    });
  }

  test('one of a version that is not asked for', async () => {
    world.apply(proxyPolicy('strict', 'v2'));
    assert.equal(await send(V1, GET), '');
    assert.match(await send(V2, GET), /^HTTP\/1\.1 200 /);
  });

  test('one that comes too slowly, however often its bytes come', async () => {
    const before = await world.closes('proxy_header');
    const client = await rawClient(world.httpPort);
    const drip = setInterval(() => client.socket.write(' '), 50);
    client.socket.write('PROXY UNKNOWN');
    await until(() => client.closed());
    clearInterval(drip);
    assert.equal(await world.closes('proxy_header'), before + 1);
  });
});

describe('where a header may be missing', () => {
  test('it is taken or not', async () => {
    world.apply(proxyPolicy('optional'));
    assert.match(await send(GET), /^HTTP\/1\.1 200 /);
    assert.equal(forwardedFor, '127.0.0.1');
    assert.match(await send(V1, GET), /^HTTP\/1\.1 200 /);
    assert.equal(forwardedFor, '192.0.2.7');
  });

  test('one that begins has to be whole', async () => {
    world.apply(proxyPolicy('optional'));
    assert.equal(await send(Buffer.from('PROXY TCP4 ')), '');
  });

  test('a client that says nothing gets what the backend says first', async () => {
    world.apply(proxyPolicy('optional'));
    const greeter = createTcpServer((socket) => socket.end('220 ready\n')).listen(0, '127.0.0.1');
    await new Promise((resolve) => greeter.once('listening', resolve));
    const { port } = greeter.address() as { port: number };
    const toBackend = (upstreamPort: number) => world.apply(...portResources('tcp', world.tcpPort, upstreamPort));
    toBackend(port);
    const client = await rawClient(world.tcpPort);
    await until(() => client.received() === '220 ready\n');
    client.socket.destroy();
    toBackend(world.upstreamPorts.tcp);
    greeter.close();
  });
});

test('a change counts for new connections; those that are open go on', async () => {
  world.remove(proxyPolicy('strict'));
  const client = await rawClient(world.httpPort);
  client.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await until(() => client.received().includes('hello'));
  world.apply(proxyPolicy('strict'));
  client.socket.write('GET /second HTTP/1.1\r\nhost: a\r\n\r\n');
  await until(() => client.received().split('200 OK').length === 3);
  client.socket.destroy();
  assert.equal(await send(GET), '');
  world.remove(proxyPolicy('strict'));
  assert.match(await send(GET), /200/);
});

test('HTTP settings do not reach a raw connection through its PROXY header', async () => {
  const policy = httpPolicy({ maxConnectionDurationMs: 400, http1IdleTimeoutMs: 300 });
  world.apply(policy);
  const socket: Socket = connect(world.tcpPort, '127.0.0.1');
  let closed = false;
  socket.once('close', () => {
    closed = true;
  });
  socket.write(V1);
  await sleep(800);
  assert.equal(closed, false);
  socket.destroy();
  world.remove(policy);
});
