import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ignoreNewConnections, openSharedPort, socketFd } from './index.ts';

const skip = process.platform !== 'linux' && 'not Linux';
const CLIENTS = 64;

async function share(context: TestContext, address: string, port: number): Promise<Server> {
  const opened = openSharedPort(address, port, 16);
  assert.ok(opened.ok, opened.ok ? '' : opened.error);
  const server = createServer((socket) => void socket.end('hello'));
  server.listen({ fd: opened.fd });
  await once(server, 'listening');
  context.after(() => server.close());
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

test('two listen on one port, and each gets a share of the connections', { skip }, async (context) => {
  const first = await share(context, '127.0.0.1', 0);
  const second = await share(context, '127.0.0.1', portOf(first));
  const counts = [first, second].map((server) => {
    const count = { value: 0 };
    server.on('connection', () => {
      count.value += 1;
    });
    return count;
  });
  for (let client = 0; client < CLIENTS; client += 1) {
    await once(connect(portOf(first), '127.0.0.1').resume(), 'close');
  }
  const [one = 0, other = 0] = counts.map(({ value }) => value);
  assert.equal(one + other, CLIENTS);
  assert.ok(one > 0 && other > 0, `${one}, ${other}`);
});

test('a port that somebody has alone is EADDRINUSE', { skip }, async (context) => {
  const alone = createServer().listen(0, '127.0.0.1');
  await once(alone, 'listening');
  context.after(() => alone.close());
  assert.deepEqual(openSharedPort('127.0.0.1', portOf(alone), 16), { ok: false, error: 'EADDRINUSE' });
});

test('IPv6 takes IPv4 too, and an address of no interface is EADDRNOTAVAIL', { skip }, async (context) => {
  const server = await share(context, '::', 0);
  await once(connect(portOf(server), '127.0.0.1').resume(), 'close');
  // An address for documentation (RFC 5737).
  assert.deepEqual(openSharedPort('192.0.2.1', 0, 16), { ok: false, error: 'EADDRNOTAVAIL' });
});

test('who asks a port that ignores new connections is served by the one that listens a second later', {
  skip,
}, async (context) => {
  const leaving = await share(context, '127.0.0.1', 0);
  const port = portOf(leaving);
  const before = connect(port, '127.0.0.1');
  await once(before.resume(), 'close');
  const fd = socketFd(leaving);
  assert.ok(fd !== undefined);
  assert.equal(ignoreNewConnections(fd), undefined);
  const client: Socket = connect(port, '127.0.0.1');
  const connected = once(client, 'connect').then(() => 'connected');
  assert.equal(await Promise.race([connected, sleep(300, 'waits')]), 'waits');
  leaving.close();
  await share(context, '127.0.0.1', port);
  assert.equal(await connected, 'connected');
  const [data] = await once(client, 'data');
  assert.equal(String(data), 'hello');
  client.destroy();
});
