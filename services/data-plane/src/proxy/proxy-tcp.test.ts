import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../testing/free-port.ts';
import { fullBackend } from '../testing/full-backend.ts';
import { createWorld, portResources, rawClient, tcpPolicy, until, type World } from '../testing/world.ts';
import { carrySocket, carryStream } from './carry.ts';

const MIB = 1_048_576;

/** What the access log says of a connection. */
type Closed = { readonly bytesIn: number; readonly bytesOut: number; readonly reason: string };

/** The first is what a worker does when it is not told. */
const WAYS = { handles: {}, sockets: { carry: carrySocket }, streams: { carry: carryStream } };

for (const [name, way] of Object.entries(WAYS)) {
  describe(name, () => {
    let world: World;
    const closed: Closed[] = [];

    before(async () => {
      const onLine = (fields: object, message: string) => {
        if (message === 'connection closed') closed.push(fields as Closed);
      };
      const quiet = () => undefined;
      const logger = { debug: quiet, info: onLine, warn: quiet, error: quiet };
      world = await createWorld({ ...way, accessLog: true, logger });
    });

    after(() => world.stop());

    /** Leads the TCP port to a server of the test's. */
    const leadTo = async (server: Server): Promise<void> => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const [, , backend] = portResources('tcp', world.tcpPort, (server.address() as AddressInfo).port);
      assert.ok(backend);
      world.apply(backend);
    };
    const leadBack = (): void => {
      world.apply(...portResources('tcp', world.tcpPort, world.upstreamPorts.tcp));
    };

    test('bytes go both ways whole, and the end of one direction leaves the other open', async () => {
      const sent = randomBytes(16 * MIB);
      const socket = connect({ port: world.tcpPort, host: '127.0.0.1', allowHalfOpen: true });
      const received: Buffer[] = [];
      socket.on('data', (chunk) => received.push(chunk));
      socket.end(sent);
      await once(socket, 'end');
      assert.ok(Buffer.concat(received).equals(sent), 'what came back is not what was sent');
      await until(async () => (await world.closes('peer')) > 0);
      const { bytesIn, bytesOut } = closed.at(-1) ?? {};
      assert.deepEqual({ bytesIn, bytesOut }, { bytesIn: sent.length, bytesOut: sent.length });
    });

    test('the bytes of connections that stand still and go on stay apart', async () => {
      const echo = async () => {
        const sent = randomBytes(3 * MIB);
        const socket = connect({ port: world.tcpPort, host: '127.0.0.1', allowHalfOpen: true });
        const received: Buffer[] = [];
        socket.on('data', (chunk) => {
          received.push(chunk);
          socket.pause();
          setTimeout(() => socket.resume(), Math.random() * 4);
        });
        socket.end(sent);
        await once(socket, 'end');
        return Buffer.concat(received).equals(sent);
      };
      const whole = await Promise.all(Array.from({ length: 16 }, echo));
      assert.deepEqual(new Set(whole), new Set([true]));
    });

    test('a reader that stops holds the writer back, and gets the rest when it goes on', async () => {
      const socket = connect({ port: world.tcpPort, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      socket.pause();
      const block = randomBytes(MIB);
      let blocks = 0;
      let stopped = false;
      const write = () => {
        while (!stopped && socket.write(block)) blocks += 1;
        blocks += 1;
      };
      socket.on('drain', write);
      write();
      await sleep(1_000);
      const reached = blocks;
      assert.ok(reached < 64, `${reached} MiB were taken from a writer whose reader stands still`);
      stopped = true;
      let received = 0;
      socket.on('data', (chunk) => {
        received += chunk.length;
      });
      socket.resume();
      await until(() => received === socket.bytesWritten && socket.writableLength === 0, 10_000);
      socket.destroy();
    });

    test('an upstream that ends its side can still be spoken to', async () => {
      let said = '';
      const upstream = createServer({ allowHalfOpen: true }, (socket) => {
        socket.end('all that I have');
        socket.on('data', (chunk) => {
          said += chunk.toString();
        });
      });
      await leadTo(upstream);
      const client = await rawClient(world.tcpPort);
      await until(() => client.closed());
      assert.equal(client.received(), 'all that I have');
      client.socket.write('one more, ');
      await until(() => said === 'one more, ');
      client.socket.end('and the last');
      await until(() => said === 'one more, and the last');
      upstream.close();
      leadBack();
    });

    test('a client that resets takes its upstream with it', async () => {
      const sockets: Socket[] = [];
      const upstream = createServer((socket) => {
        sockets.push(socket);
        socket.on('error', () => undefined);
        // More than is on its way at once.
        socket.write(Buffer.alloc(32 * MIB));
      });
      await leadTo(upstream);
      const client = await rawClient(world.tcpPort);
      await until(() => client.received().length > MIB);
      client.socket.pause();
      await sleep(50);
      client.socket.resetAndDestroy();
      await until(() => sockets[0]?.destroyed === true);
      await until(async () => (await world.connections()).length === 0);
      upstream.close();
      leadBack();
    });

    test('a policy reaches a connection that carries bytes, and the admin page counts them', async () => {
      const client = await rawClient(world.tcpPort);
      client.socket.write('hello');
      await until(() => client.received() === 'hello');
      const policy = tcpPolicy({ timeMs: 7_000, intervalMs: 2_000, retries: 3 });
      world.apply(policy);
      await until(async () => (await world.connections())[0]?.keepalive.idleSeconds === 7);
      const [row] = await world.connections();
      assert.deepEqual([row?.bytesIn, row?.bytesOut, row?.keepalive.enabled], [5, 5, true]);
      const [upstream] = await world.upstreams();
      assert.deepEqual([upstream?.bytesIn, upstream?.bytesOut], [5, 5]);
      client.socket.write(', still there');
      await until(() => client.received() === 'hello, still there');
      world.remove(policy);
      client.socket.destroy();
      await until(async () => (await world.connections()).length === 0);
    });

    test('an upstream that ends first, resets or cannot be reached closes as upstream', async () => {
      const before = await world.closes('upstream');
      const sockets: Socket[] = [];
      const upstream = createServer((socket) => {
        sockets.push(socket);
        socket.on('error', () => undefined);
      });
      await leadTo(upstream);
      const ended = await rawClient(world.tcpPort);
      const reset = await rawClient(world.tcpPort);
      await until(() => sockets.length === 2);
      sockets[0]?.end();
      sockets[1]?.resetAndDestroy();
      await until(() => ended.closed() && reset.closed());
      ended.socket.end();
      upstream.close();
      const dead = portResources('tcp', world.tcpPort, await freePort())[2];
      assert.ok(dead);
      world.apply(dead);
      const refused = await rawClient(world.tcpPort);
      await until(() => refused.closed());
      await until(async () => (await world.closes('upstream')) === before + 3);
    });

    test('a client that resets while its backend takes no connection is gone at once', async (t) => {
      const full = await fullBackend();
      t.after(() => full.stop());
      const [, , backend] = portResources('tcp', world.tcpPort, full.port);
      assert.ok(backend);
      world.apply(backend);
      const client = await rawClient(world.tcpPort);
      client.socket.write('into the void');
      await until(async () => (await world.connections())[0]?.bytesIn === 13);
      client.socket.resetAndDestroy();
      await until(async () => (await world.connections()).length === 0);
      assert.equal(closed.at(-1)?.reason, 'peer');
      leadBack();
    });

    test('without a route a connection is closed as no_route', async () => {
      const route = portResources('tcp', world.tcpPort, 1)[3];
      assert.ok(route);
      world.remove(route);
      const client = await rawClient(world.tcpPort);
      await until(() => client.closed());
      await until(async () => (await world.closes('no_route')) === 1);
    });
  });
}
