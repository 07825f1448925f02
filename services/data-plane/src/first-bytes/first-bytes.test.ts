import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../connection/connection.ts';
import { type Reading, readFirstBytes } from './first-bytes.ts';
import { detectHttpVersion } from './http-version.ts';

const BIND = { kind: 'bind', key: '3000/a/b', port: 3000, protocol: 'http' } as const;

let server: Server;

before(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(() => new Promise((resolve) => server.close(resolve)));

async function accepted(): Promise<{ client: Socket; connection: Connection }> {
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  const [socket] = (await once(server, 'connection')) as [Socket];
  return { client, connection: new Connection('1', BIND, 'listener', socket, assert.fail) };
}

test('first bytes that begin and stop are given up; a client that says nothing waits for the idle timeout', async () => {
  const reasons: (string | undefined)[] = [];
  for (const { bytes, idleMs } of [
    { bytes: 'PRI * HTTP', idleMs: 60_000 },
    { bytes: '', idleMs: 200 },
  ]) {
    const { client, connection } = await accepted();
    const http = { maxBufferSize: 1, http1IdleTimeoutMs: idleMs, http2KeepaliveTimeoutMs: 1_000 };
    detectHttpVersion(connection, http, { requestHeadMs: 100 }, () => assert.fail('nothing was said'));
    client.write(bytes);
    client.resume();
    await once(client, 'close');
    reasons.push(connection.reason);
  }
  assert.deepEqual(reasons, ['first_byte_timeout', 'idle_timeout']);
});

test('one reader follows another: each takes its bytes, however they are split, and the end comes after all', async () => {
  const { client, connection } = await accepted();
  const { socket } = connection;
  const asked: number[] = [];
  const read = (seen: Buffer): Reading<string> => {
    asked.push(seen.length);
    return seen.length < 4
      ? { kind: 'more', needed: 4 }
      : { kind: 'found', found: seen.toString('latin1', 0, 4), length: 4 };
  };
  const takeFour = () =>
    new Promise<string>((resolve) =>
      readFirstBytes(connection, {
        read,
        timeoutMs: 5_000,
        onFound: resolve,
        onSilent: () => assert.fail(),
        onPartial: () => assert.fail(),
      }),
    );
  const both = takeFour().then(async (first) => [first, await takeFour()]);
  for (const byte of 'abcdefg') {
    client.write(byte);
    await sleep(5);
  }
  client.end('hij');
  assert.deepEqual(await both, ['abcd', 'efgh']);
  assert.ok(asked.length <= 4, `asked of ${asked.join(', ')} bytes`);
  const rest: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => rest.push(chunk));
  await once(socket, 'end');
  assert.equal(Buffer.concat(rest).toString(), 'ij');
  socket.destroy();
  await once(client, 'close');
});

test('a client that ends before its first bytes are whole has closed', async () => {
  const { client, connection } = await accepted();
  readFirstBytes(connection, {
    read: () => ({ kind: 'more', needed: 10 }),
    timeoutMs: 5_000,
    onFound: () => assert.fail(),
    onSilent: () => assert.fail(),
    onPartial: () => assert.fail(),
  });
  client.end('abc');
  client.resume();
  await once(client, 'close');
  assert.equal(connection.reason, 'peer');
});
