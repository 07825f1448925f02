import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPingKeepalive, type PingTarget } from './ping-keepalive.ts';

const SETTINGS = { intervalMs: 300, timeoutMs: 300 };

test('a real node:http2 client answers and stays', async () => {
  const pings = createPingKeepalive({ jitter: 0 });
  const world = await serve((session) => {
    const watch = pings.watch(
      targetOf(
        session,
        (rttMs) => watch.acknowledged(rttMs),
        () => world.timeouts.push(Date.now()),
      ),
      SETTINGS,
    );
  });
  const client = http2.connect(`http://127.0.0.1:${world.port}`);
  const received: Buffer[] = [];
  client.on('ping', (payload: Buffer) => received.push(payload));
  await sleep(1_600);
  assert.ok(received.length >= 3 && received.length <= 6, `${received.length} pings`);
  assert.equal(world.timeouts.length, 0);
  assert.equal(pings.size, 1);
  client.destroy();
  pings.close();
  world.close();
});

test('a client that never acknowledges is given up at interval and timeout', async () => {
  const pings = createPingKeepalive({ jitter: 0 });
  const world = await serve((session) => {
    const onPingTimeout = () => {
      world.timeouts.push(Date.now());
      session.destroy();
    };
    pings.watch(
      targetOf(session, () => undefined, onPingTimeout),
      SETTINGS,
    );
  });
  const client = connect(world.port, '127.0.0.1');
  client.resume();
  await once(client, 'connect');
  const start = Date.now();
  client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  client.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  await once(client, 'close');
  const took = (world.timeouts[0] ?? 0) - start;
  assert.ok(took >= 550 && took <= 800, `closed after ${took} ms`);
  pings.close();
  world.close();
});

function targetOf(
  session: http2.ServerHttp2Session,
  onAck: (rttMs: number) => void,
  onPingTimeout: () => void,
): PingTarget {
  const target = {
    get isOver() {
      return session.destroyed;
    },
    // The client says nothing by itself.
    lastReadAt: performance.now(),
    ping: () =>
      void session.ping((error, rttMs) => {
        target.lastReadAt = performance.now();
        if (error === null) onAck(rttMs);
      }),
    onPingTimeout,
  };
  return target;
}

async function serve(onSession: (session: http2.ServerHttp2Session) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const session = http2.performServerHandshake(socket);
    session.on('error', () => session.destroy());
    onSession(session);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    timeouts: [] as number[],
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
