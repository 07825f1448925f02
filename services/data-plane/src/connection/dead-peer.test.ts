import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { carrySocket } from '../proxy/carry.ts';
import { createWorld, portResources, rawClient, tcpPolicy, until, type WorldOptions } from '../testing/world.ts';
import { deadPeerError, isOverdue } from './dead-peer.ts';

const PROBING = { idleSeconds: 1, intervalSeconds: 1, probes: 1 };
const POLICY = tcpPolicy({ timeMs: 1_000, intervalMs: 1_000, retries: 1 });

/** A worker before a backend that says nothing and ends nothing, and reads only when it is told to. */
async function silentBackend(t: TestContext, options: WorldOptions = {}) {
  const world = await createWorld(options);
  const sockets: Socket[] = [];
  const backend = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.push(socket.on('error', () => undefined));
  });
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  t.after(async () => {
    await world.stop();
    for (const socket of sockets) socket.destroy();
    backend.close();
  });
  world.apply(...portResources('tcp', world.tcpPort, (backend.address() as AddressInfo).port));
  return { world, sockets };
}

test('overdue is what is sent again and again while nothing comes back', () => {
  const waiting = {
    unackedSegments: 3,
    retransmits: 4,
    notSentBytes: 0,
    unansweredProbes: 0,
    lastAckReceivedMs: 5_000,
  };
  assert.equal(isOverdue(waiting, 5_000), true);
  assert.equal(isOverdue(waiting, 5_001), false);
  assert.equal(isOverdue({ ...waiting, unackedSegments: 0 }, 5_000), false);
  // On its way for the first time, on a line that was silent before.
  assert.equal(isOverdue({ ...waiting, retransmits: 0 }, 5_000), false);
});

test('overdue is who closed its window and answers no probe of it', () => {
  const shut = {
    unackedSegments: 0,
    retransmits: 0,
    notSentBytes: 9,
    unansweredProbes: 2,
    lastAckReceivedMs: 5_000,
  };
  assert.equal(isOverdue(shut, 5_000), true);
  assert.equal(isOverdue(shut, 5_001), false);
  // Its answer may be on its way.
  assert.equal(isOverdue({ ...shut, unansweredProbes: 1 }, 5_000), false);
  // Probes of an idle connection, which the kernel counts itself.
  assert.equal(isOverdue({ ...shut, notSentBytes: 0 }, 5_000), false);
});

for (const [name, way] of Object.entries({ handles: {}, sockets: { carry: carrySocket } })) {
  test(`a client that ends its side and resets is gone, though its backend stays (${name})`, async (t) => {
    const { world, sockets } = await silentBackend(t, way);
    world.apply(POLICY);
    const before = await world.closes('peer');
    const client = await rawClient(world.tcpPort);
    client.socket.end('all that I have');
    await until(() => sockets[0]?.resume().readableEnded === true);
    client.socket.resetAndDestroy();
    await until(async () => (await world.connections()).length === 0, 4_000);
    assert.equal(await world.closes('peer'), before + 1);
  });

  test(`a client that resets is gone, though its backend takes nothing of what it sent (${name})`, async (t) => {
    const { world, sockets } = await silentBackend(t, way);
    world.apply(POLICY);
    const before = await world.closes('peer');
    const client = await rawClient(world.tcpPort);
    client.socket.write(Buffer.alloc(32 * 1_048_576));
    await until(() => sockets.length === 1);
    await sleep(500);
    client.socket.resetAndDestroy();
    await until(async () => (await world.connections()).length === 0, 4_000);
    assert.equal(await world.closes('peer'), before + 1);
  });
}

/** A connection that is not read yet, from both sides. */
async function pair(t: TestContext): Promise<readonly [Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const { socket: client } = await rawClient((server.address() as AddressInfo).port);
  const [transport] = await accepted;
  t.after(() => {
    transport.destroy();
    server.close();
  });
  return [transport, client];
}

async function reset(client: Socket): Promise<void> {
  client.resetAndDestroy();
  await once(client, 'close');
  await sleep(20);
}

test('without a policy it is raw connections that are looked at, twice a minute', async (t) => {
  const [transport, client] = await pair(t);
  const [raw, other] = [true, false].map((isRaw) => ({ transport, isRaw, isHeardOut: false, nextLookAt: 0 }));
  assert.ok(raw && other);
  assert.equal(deadPeerError(raw, undefined, 0), undefined);
  client.write('not all');
  await reset(client);
  assert.equal(deadPeerError(other, undefined, 30_000), undefined);
  assert.equal(deadPeerError(raw, undefined, 29_999), undefined);
  assert.equal(deadPeerError(raw, undefined, 30_000)?.code, 'ECONNRESET');
});

test('who has ended before it went is heard to the end first', async (t) => {
  const [transport, client] = await pair(t);
  const watched = { transport, isRaw: true, isHeardOut: false, nextLookAt: 0 };
  client.end(Buffer.alloc(65_536));
  await once(client, 'finish');
  await reset(client);
  assert.equal(deadPeerError(watched, PROBING, 0), undefined);
  await once(transport.resume(), 'end');
  assert.equal(transport.bytesRead, 65_536);
  // Some of it may still be on its way to the backend.
  assert.equal(deadPeerError(watched, PROBING, 30_000), undefined);
  watched.isHeardOut = true;
  assert.equal(deadPeerError(watched, PROBING, 60_000)?.code, 'EPIPE');
});

test('what a backend left behind is for its client, however long that takes', async (t) => {
  const [transport, backend] = await pair(t);
  backend.write('not all');
  await reset(backend);
  assert.equal(deadPeerError({ transport, nextLookAt: 0 }, PROBING, 0), undefined);
});

test('a client that reads nothing for longer than keepalive waits is alive, because its kernel answers', async (t) => {
  const world = await createWorld({
    onRequest: (_request, response) => void response.end(Buffer.alloc(64 * 1_048_576)),
  });
  t.after(() => world.stop());
  world.apply(tcpPolicy({ timeMs: 1_000, intervalMs: 1_000, retries: 1 }));
  const slow = await rawClient(world.httpPort);
  slow.socket.pause();
  slow.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await sleep(5_000);
  assert.equal((await world.connections()).length, 1);
  slow.socket.resume();
  await until(() => slow.socket.bytesRead > 64 * 1_048_576, 10_000);
  slow.socket.destroy();
});
