import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { until } from '../testing/world.ts';
import type { UpstreamHandler, UpstreamRequest } from './http-client.ts';
import { Http1Connection } from './http1-connection.ts';

const ANSWER = 'HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n';

/** A connection to a backend that reads nothing but what it is told to. */
async function connected(t: { after(done: () => void): void }) {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [backend] = await accepted;
  t.after(() => {
    server.close();
    socket.destroy();
    backend.destroy();
  });
  const told: string[] = [];
  const http = new Http1Connection(socket, 'a', {
    onIdle: () => void told.push('idle'),
    onUpgraded: () => void told.push('upgraded'),
    onGone: () => void told.push('gone'),
    onFault: assert.fail,
  });
  const handler: UpstreamHandler = {
    onStart: () => undefined,
    onInterim: () => undefined,
    onHead: (status) => void told.push(String(status)),
    onUpgrade: () => undefined,
    onData: () => true,
    onEnd: () => void told.push('end'),
    onError: (error) => void told.push(error.message),
  };
  const body = new PassThrough({ readableObjectMode: true });
  const request: UpstreamRequest = {
    method: 'POST',
    target: '/',
    headers: ['host', 'a'],
    trailers: false,
    body,
    bodyTrailers: () => [],
    upgrade: undefined,
  };
  http.send(request, 0, handler);
  return { socket, backend, body, told };
}

test('a connection takes another request when the backend has answered one that it has', async (t) => {
  const { socket, backend, body, told } = await connected(t);
  body.end('small');
  await until(() => socket.bytesWritten > 0 && socket.writableLength === 0);
  backend.write(ANSWER);
  await until(() => told.length === 3);
  assert.deepEqual(told, ['413', 'idle', 'end']);
});

test('it takes no other when a backend answers one of which it has not taken all', async (t) => {
  const { socket, backend, body, told } = await connected(t);
  while (socket.writableLength === 0) {
    body.write(Buffer.alloc(8_192));
    await new Promise(setImmediate);
  }
  body.end();
  await new Promise(setImmediate);
  assert.ok(socket.writableLength > 0 && !socket.writableNeedDrain, 'the end of the request waits');
  backend.write(ANSWER);
  await until(() => told.length === 3);
  assert.deepEqual(told, ['413', 'gone', 'end']);
});
