import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { Connection } from '../connection/connection.ts';
import { sniff } from './sniff.ts';

const BIND = { kind: 'bind', key: '3000/a/b', port: 3000, protocol: 'http' } as const;

test('first bytes that begin and stop are given up; a client that says nothing waits for the idle timeout', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reasons: (string | undefined)[] = [];
  for (const { bytes, idleMs } of [
    { bytes: 'PRI * HTTP', idleMs: 60_000 },
    { bytes: '', idleMs: 200 },
  ]) {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [socket] = (await once(server, 'connection')) as [Socket];
    const connection = new Connection('1', BIND, 'listener', socket);
    const http = { maxBufferSize: 1, http1IdleTimeoutMs: idleMs, http2KeepaliveTimeoutMs: 1_000 };
    sniff(connection, http, 100, () => assert.fail('nothing was said'));
    client.write(bytes);
    client.resume();
    await once(client, 'close');
    reasons.push(connection.reason);
  }
  server.close();
  assert.deepEqual(reasons, ['first_byte_timeout', 'idle_timeout']);
});
