import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { createWorld, freePort, portResources, rawClient, until, type World } from '../testing/world.ts';

let world: World;

before(async () => {
  world = await createWorld();
});

after(() => world.stop());

test('bytes go both ways whole, and the end of one direction leaves the other open', async () => {
  const sent = randomBytes(16 * 1_048_576);
  const socket = connect({ port: world.tcpPort, host: '127.0.0.1', allowHalfOpen: true });
  const received: Buffer[] = [];
  socket.on('data', (chunk) => received.push(chunk));
  socket.end(sent);
  await once(socket, 'end');
  assert.ok(Buffer.concat(received).equals(sent));
  await until(async () => (await world.closes('peer')) > 0);
});

test('a reader that stops holds the writer back', async () => {
  const socket = connect({ port: world.tcpPort, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.pause();
  const block = randomBytes(1_048_576);
  let blocks = 0;
  const write = () => {
    while (socket.write(block)) blocks += 1;
    blocks += 1;
  };
  socket.on('drain', write);
  write();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const reached = blocks;
  assert.ok(reached < 64, `${reached} MiB were taken from a writer whose reader stands still`);
  socket.destroy();
});

test('an upstream that ends first, resets or cannot be reached closes as upstream', async () => {
  const before = await world.closes('upstream');
  const sockets: Socket[] = [];
  const upstream = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as { port: number };
  const [bind, , former] = portResources('tcp', world.tcpPort, 1);
  const backend = portResources('tcp', world.tcpPort, port)[2];
  assert.ok(bind && backend && former);
  world.apply(backend);
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

test('without a route a connection is closed as no_route', async () => {
  const route = portResources('tcp', world.tcpPort, 1)[3];
  assert.ok(route);
  world.remove(route);
  const client = await rawClient(world.tcpPort);
  await until(() => client.closed());
  await until(async () => (await world.closes('no_route')) === 1);
});
