import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { sendNow } from './send.ts';
import { socketFd } from './socket-fd.ts';

test('bytes are sent as far as there is room, and a descriptor that is none is named', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [far] = await accepted;
  server.close();
  far.pause();
  const fd = socketFd(near);
  assert.ok(fd !== undefined);
  assert.equal(sendNow(fd, Buffer.from('hello, and not this'), 5), 5);
  assert.equal(String((await once(far.resume(), 'data'))[0]), 'hello');
  far.pause();
  const block = Buffer.alloc(8 * 1_048_576);
  let sent: number | string = 0;
  for (let tries = 0; tries < 10; tries += 1) {
    sent = sendNow(fd, block, block.length);
    if (sent === 0) break;
    assert.ok(typeof sent === 'number' && sent < block.length, `send gave ${sent}`);
  }
  assert.equal(sent, 0);
  near.destroy();
  far.destroy();
  assert.equal(sendNow(2 ** 30, block, 1), 'EBADF');
});
