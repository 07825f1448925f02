import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { until } from '../testing/world.ts';
import { carrySocket } from './carry.ts';

/** Both ends of a connection. */
async function pair(): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = await accepted;
  server.close();
  return [near, far];
}

test('sockets are carried past their streams, what was read before first', async () => {
  const [client, from] = await pair();
  const [to, upstream] = await pair();
  client.write('before, ');
  await until(() => from.readableLength === 8);
  const carried = carrySocket(from, to);
  let received = '';
  upstream.on('data', (chunk) => {
    received += chunk.toString();
  });
  client.end('after');
  await once(upstream, 'end');
  assert.equal(received, 'before, after');
  assert.equal(carried.bytesSent, 5);
  for (const socket of [client, from, to, upstream]) socket.destroy();
});

test('what is no socket, or has no handle, is carried by its stream', async () => {
  const [client, from] = await pair();
  const to = new PassThrough();
  const carried = carrySocket(from, to);
  client.end('hello');
  assert.equal(String((await once(to, 'data'))[0]), 'hello');
  await once(to.resume(), 'end');
  assert.equal(carried.bytesSent, 0);
  for (const socket of [client, from]) socket.destroy();
});

test('a socket that the other end has reset is destroyed with what the kernel says', async () => {
  const [client, from] = await pair();
  const [to, upstream] = await pair();
  carrySocket(from, to);
  to.pause();
  const error = once(to, 'error') as Promise<[NodeJS.ErrnoException]>;
  upstream.resetAndDestroy();
  await once(upstream, 'close');
  client.write('nobody is there');
  const [{ code }] = await error;
  assert.match(code ?? '', /^(ECONNRESET|EPIPE)$/);
  for (const socket of [client, from]) socket.destroy();
});
