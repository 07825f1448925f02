import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  getTcpInfo,
  getTcpKeepalive,
  setTcpKeepalive,
  socketFd,
  type TcpInfo,
  type TcpKeepaliveReading,
} from './index.ts';

const linux = process.platform === 'linux';
const server = createServer();
let accepted: Socket;
let client: Socket;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  [accepted] = (await once(server, 'connection')) as [Socket];
});

after(() => {
  client.destroy();
  accepted.destroy();
  server.close();
});

test('the kernel shows the values that were set', { skip: !linux && 'not Linux' }, () => {
  const fd = socketFd(accepted);
  assert.ok(fd !== undefined);
  assert.equal(setTcpKeepalive(fd, { enabled: true, idleSeconds: 30, intervalSeconds: 5, probes: 3 }), undefined);
  assert.deepEqual(read(fd), { enabled: true, idleSeconds: 30, intervalSeconds: 5, probes: 3, userTimeoutMs: 0 });
});

test('former values can be restored', { skip: !linux && 'not Linux' }, () => {
  const fd = socketFd(client);
  assert.ok(fd !== undefined);
  const former = read(fd);
  assert.equal(former.enabled, false);
  setTcpKeepalive(fd, { enabled: true, idleSeconds: 9, intervalSeconds: 8, probes: 7 });
  assert.notDeepEqual(read(fd), former);
  assert.equal(setTcpKeepalive(fd, former), undefined);
  assert.deepEqual(read(fd), former);
});

test('a value that the kernel refuses comes back as its errno', { skip: !linux && 'not Linux' }, () => {
  const fd = socketFd(accepted);
  assert.ok(fd !== undefined);
  assert.deepEqual(setTcpKeepalive(fd, { enabled: true, idleSeconds: 32_768, intervalSeconds: 5, probes: 3 }), {
    kind: 'errno',
    call: 'setsockopt',
    option: 'TCP_KEEPIDLE',
    errno: 'EINVAL',
  });
});

test('a descriptor that is none comes back as EBADF', { skip: !linux && 'not Linux' }, () => {
  assert.deepEqual(getTcpKeepalive(1_000_000), {
    ok: false,
    error: { kind: 'errno', call: 'getsockopt', option: 'SO_KEEPALIVE', errno: 'EBADF' },
  });
});

test('TCP_INFO tells state, quiet time and round trip', { skip: !linux && 'not Linux' }, async () => {
  const fd = socketFd(accepted);
  assert.ok(fd !== undefined);
  client.write('hello');
  await once(accepted, 'data');
  const info = getTcpInfo(fd);
  assert.ok(info.ok);
  assert.equal(info.value.state, 'ESTABLISHED');
  assert.equal(info.value.unansweredProbes, 0);
  assert.ok(info.value.lastDataReceivedMs < 1000);
  assert.ok(info.value.rttMs > 0 && info.value.rttMs < 1000);
});

test('TCP_INFO counts bytes without the end of either side', { skip: !linux && 'not Linux' }, async (t) => {
  const own = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(own, 'listening');
  const coming = once(own, 'connection') as Promise<[Socket]>;
  const near = connect({ port: (own.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [far] = await coming;
  t.after(() => {
    for (const socket of [near, far]) socket.destroy();
    own.close();
  });
  far.end('hello');
  await once(near.resume(), 'end');
  for (let tries = 0; infoOf(far).state === 'FIN_WAIT1' && tries < 100; tries += 1) await sleep(10);
  assert.deepEqual([infoOf(far).state, infoOf(far).bytesAcked], ['FIN_WAIT2', 5]);
  assert.deepEqual([infoOf(near).state, infoOf(near).bytesReceived], ['CLOSE_WAIT', 5]);
});

test('a closed socket has no descriptor', async () => {
  const closing = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(closing, 'connect');
  assert.equal(typeof socketFd(closing), 'number');
  closing.destroy();
  assert.equal(socketFd(closing), undefined);
});

function infoOf(socket: Socket): TcpInfo {
  const info = getTcpInfo(socketFd(socket) ?? -1);
  assert.ok(info.ok);
  return info.value;
}

function read(fd: number): TcpKeepaliveReading {
  const reading = getTcpKeepalive(fd);
  assert.ok(reading.ok);
  return reading.value;
}
