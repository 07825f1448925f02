import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fullBackend } from '../testing/full-backend.ts';
import { until } from '../testing/world.ts';
import { acceptHandles } from './accept-handles.ts';
import { attempt, connectHandle, inTurn } from './connect-handle.ts';
import { HandleSocket } from './handle-socket.ts';
import { tcpBinding } from './tcp-binding.ts';

assert.ok(tcpBinding, 'this Node does not have TCP handles as Node 20 does');
const connect = connectHandle(tcpBinding);
const binding = tcpBinding;

let server: Server;
let port: number;

before(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

after(() => new Promise((resolve) => server.close(resolve)));

/** A connection of ours, and the stream at its other end. */
async function pair(host = '127.0.0.1'): Promise<readonly [HandleSocket, Socket]> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect({ host, port });
  await once(near, 'connect');
  const [far] = await accepted;
  far.on('error', () => undefined);
  return [near, far];
}

/** Everything that is read from now on, and what happens. */
function watch(socket: HandleSocket): { text(): string; events: string[] } {
  const events: string[] = [];
  let text = '';
  socket.on('error', (error) => events.push(`error ${(error as NodeJS.ErrnoException).code}`));
  socket.on('close', () => events.push('close'));
  socket.read({
    take(bytes, length) {
      text += bytes.toString('latin1', 0, length);
      return true;
    },
    end: () => void events.push('end'),
  });
  return { text: () => text, events };
}

const nothing = { resume: () => undefined };
const send = (socket: HandleSocket, text: string): boolean => socket.send(Buffer.from(text), text.length, nothing);

test('each direction ends by itself, and the socket closes after both', async () => {
  const [near, far] = await pair();
  const { text, events } = watch(near);
  assert.equal(near.remotePort, port);
  assert.equal(near.localPort, far.remotePort);
  far.end('bye');
  await until(() => events.length > 0);
  assert.equal(text(), 'bye');
  assert.equal(send(near, 'still here'), true);
  assert.equal(String((await once(far, 'data'))[0]), 'still here');
  assert.deepEqual([events, near.destroyed], [['end'], false]);
  near.end();
  await until(() => far.destroyed && events.length === 2);
  assert.deepEqual(events, ['end', 'close']);
  assert.deepEqual([near.bytesRead, near.bytesWritten], [3, 10]);
});

test('who ends first may read on, and closes when the other ends', async () => {
  const [near, far] = await pair();
  const { text, events } = watch(near);
  near.end();
  await once(far.resume(), 'end');
  assert.equal(near.destroyed, false);
  far.end('the rest');
  await until(() => events.includes('close'));
  assert.deepEqual([text(), events], ['the rest', ['end', 'close']]);
});

test('what comes before there is a reader is kept, and its end told after it', async () => {
  const [near, far] = await pair();
  far.end('early');
  await until(() => near.bytesRead === 5 && far.writableFinished);
  await sleep(20);
  let ended = false;
  const read: string[] = [];
  near.read({
    take(bytes, length) {
      read.push(bytes.toString('latin1', 0, length));
      return false;
    },
    end() {
      ended = true;
    },
  });
  assert.deepEqual([read, ended], [['early'], false]);
  near.resume();
  await until(() => ended);
  near.destroy();
});

test('no more than a chunk is kept for who does not read', async () => {
  const [near, far] = await pair();
  far.write(Buffer.alloc(64 * 1_048_576));
  await until(() => near.bytesRead >= 131_072);
  const before = near.bytesRead;
  await sleep(100);
  assert.equal(near.bytesRead, before);
  assert.ok(before < 2 * 131_072, `${before} bytes are kept`);
  let length = 0;
  near.read({
    take(_bytes, more) {
      length += more;
      return true;
    },
    end: () => assert.fail('it has not ended'),
  });
  await until(() => length === 64 * 1_048_576, 10_000);
  near.destroy();
});

test('what the kernel has no room for waits, and an end waits for it', async () => {
  const [near, far] = await pair();
  far.pause();
  const block = Buffer.alloc(1_048_576, 'x');
  let sent = 0;
  let rooms = 0;
  const waiting = {
    resume() {
      rooms += 1;
    },
  };
  const more = (): void => {
    sent += block.length;
    if (near.send(block, block.length, waiting)) more();
  };
  more();
  assert.equal(rooms, 0);
  near.end();
  let received = 0;
  far.on('data', (chunk) => {
    received += chunk.length;
  });
  await once(far.resume(), 'end');
  assert.deepEqual([received, rooms, near.bytesWritten], [sent, 1, sent]);
  near.destroy();
});

test('a reset is an error and then the end of it', async () => {
  const [near, far] = await pair();
  const { events } = watch(near);
  far.resetAndDestroy();
  await until(() => events.includes('close'));
  assert.deepEqual(events, ['error ECONNRESET', 'close']);
  assert.deepEqual([near.destroyed, send(near, 'nobody')], [true, true]);
  near.end();
  near.destroy();
  near.resume();
});

test('to destroy it closes once, with the error that it was given', async () => {
  const [near, far] = await pair();
  const { events } = watch(near);
  near.destroy(Object.assign(new Error('enough'), { code: 'ENOUGH' }));
  near.destroy(new Error('again'));
  await once(far.resume(), 'end');
  await until(() => events.length === 2);
  assert.deepEqual(events, ['error ENOUGH', 'close']);
});

test('a backend that refuses is an error as net.connect has it', async () => {
  const { port: free } = await new Promise<AddressInfo>((resolve) => {
    const one = createServer().listen(0, '127.0.0.1', () => {
      const address = one.address() as AddressInfo;
      one.close(() => resolve(address));
    });
  });
  for (const host of ['127.0.0.1', 'localhost']) {
    const socket = connect({ host, port: free });
    const [error] = (await once(socket, 'error')) as unknown as [NodeJS.ErrnoException];
    assert.match(error.message, new RegExp(`connect ECONNREFUSED 127\\.0\\.0\\.1:${free}`));
    assert.equal(error.code, 'ECONNREFUSED');
    await once(socket, 'close');
  }
});

test('a name that nobody knows is an error', async () => {
  const [error] = (await once(connect({ host: 'nobody.invalid', port: 1 }), 'error')) as [NodeJS.ErrnoException];
  assert.match(error.code ?? '', /^(ENOTFOUND|EAI_AGAIN)$/);
});

test('a name leads to whichever of its addresses answers', async () => {
  const [near] = await pair('localhost');
  assert.deepEqual([near.remoteAddress, near.remotePort], ['127.0.0.1', port]);
  near.destroy();
});

test('of several addresses each is tried, until one answers or all have failed', async () => {
  const near = new HandleSocket(binding);
  attempt(binding, near, port, ['127.0.0.2', '127.0.0.3', '127.0.0.1']);
  await once(near, 'connect');
  assert.deepEqual([near.remoteAddress, near.remotePort], ['127.0.0.1', port]);
  near.destroy();
  const none = new HandleSocket(binding);
  attempt(binding, none, port, ['127.0.0.2', '127.0.0.3']);
  const [error] = (await once(none, 'error')) as unknown as [NodeJS.ErrnoException];
  const refused = (address: string) => `connect ECONNREFUSED ${address}:${port}`;
  assert.deepEqual([error.code, error.message], ['ECONNREFUSED', `${refused('127.0.0.2')}; ${refused('127.0.0.3')}`]);
});

test('an address that does not answer holds the next one up for a moment only', async (t) => {
  const full = await fullBackend();
  t.after(() => full.stop());
  const second = createServer().listen(full.port, '127.0.0.9');
  t.after(() => new Promise((resolve) => second.close(resolve)));
  await once(second, 'listening');
  const near = new HandleSocket(binding);
  attempt(binding, near, full.port, ['127.0.0.1', '127.0.0.9']);
  await once(near, 'connect');
  assert.equal(near.remoteAddress, '127.0.0.9');
  near.destroy();
});

test('addresses are tried once each, the families in turn', () => {
  assert.deepEqual(inTurn(['::1', '::2', '10.0.0.1', '::1']), ['::1', '10.0.0.1', '::2']);
  assert.deepEqual(inTurn(['10.0.0.1', '::1', '::2', '::3']), ['10.0.0.1', '::1', '::2', '::3']);
  assert.deepEqual(inTurn([]), []);
});

test('who gives up while it connects has nothing left open', async () => {
  for (const host of ['127.0.0.1', 'localhost']) {
    const socket = connect({ host, port });
    socket.on('connect', () => assert.fail('it was given up'));
    socket.destroy();
    await once(socket, 'close');
  }
});

test('where no descriptor is left, to connect is an error of that connection', () => {
  const own = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const source = `
    const { connectHandle } = await import(${own('./connect-handle.ts')});
    const { tcpBinding } = await import(${own('./tcp-binding.ts')});
    const connect = connectHandle(tcpBinding);
    const counts = {};
    const count = (what) => { counts[what] = (counts[what] ?? 0) + 1; };
    for (let n = 0; n < 200; n += 1) {
      const socket = connect({ host: '127.0.0.1', port: ${port} });
      socket.on('connect', () => count('open'));
      socket.on('error', ({ message }) => count(message));
      socket.on('close', () => count('closed'));
    }
    setTimeout(() => { console.log(JSON.stringify(counts)); process.exit(); }, 300);`;
  const node = `${process.execPath} --conditions=@pulseplane/source --import tsx --input-type=module -e "$0"`;
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const { stdout, stderr } = spawnSync('sh', ['-c', `ulimit -n 100; ${node}`, source], { cwd, encoding: 'utf8' });
  const counts = JSON.parse(stdout || JSON.stringify(stderr)) as Readonly<Record<string, number>>;
  const failed = counts[`connect EMFILE 127.0.0.1:${port}`] ?? 0;
  assert.ok(failed > 100 && failed < 200, `${stdout}${stderr}`);
  assert.deepEqual([counts['open'], counts['closed']], [200 - failed, failed]);
});

test('a server gives away what is asked for, and keeps the rest', async () => {
  const own = createServer().listen(0, '127.0.0.1');
  await once(own, 'listening');
  const kinds: string[] = [];
  let isWanted = true;
  own.on('connection', (socket) => {
    kinds.push('stream');
    socket.destroy();
  });
  acceptHandles(
    binding,
    own,
    () => isWanted,
    (socket) => {
      kinds.push('handle');
      socket.destroy();
    },
  );
  for (const wanted of [true, false, true]) {
    isWanted = wanted;
    const client = connect({ host: '127.0.0.1', port: (own.address() as AddressInfo).port });
    const { events } = watch(client);
    await until(() => events.length > 0);
    client.destroy();
  }
  assert.deepEqual(kinds, ['handle', 'stream', 'handle']);
  await new Promise((resolve) => own.close(resolve));
});
