import { once } from 'node:events';
import http2 from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PORTS } from './ports.ts';

// Runs inside a namespace: connections to the worker, quiet ones and such as data comes on all the time. Says so when
// the quiet ones have exchanged their last byte, and of each, `<protocol> <quiet or busy>`, its port and when that was.
const host = process.argv[2] ?? '127.0.0.1';
/** How many of each. */
const count = Number(process.argv[3] ?? 1);
const AT_ONCE = 10;
const HELD_BYTES = 32 * 1_048_576;
const withBusy = process.argv[4] !== 'quiet';

type Opened = { readonly port: number; readonly at: number };

async function raw(port: number, hello: string, then = (socket: Socket): unknown => socket.resume()): Promise<Opened> {
  const socket = connect({ port, host, allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.write(hello);
  await once(socket, 'data');
  then(socket);
  return { port: socket.localPort ?? 0, at: Date.now() };
}

async function session(port: number, path: string): Promise<Opened> {
  const client = http2.connect(`http://${host}:${port}`);
  client.on('error', () => undefined);
  const stream = client.request({ ':path': path });
  stream.on('error', () => undefined);
  await once(stream, 'data');
  stream.resume();
  if (path === '/') await once(stream, 'end');
  return { port: client.socket?.localPort ?? 0, at: Date.now() };
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const opened: Record<string, Opened> = {};
if (withBusy) {
  // Its end is heard, and nothing more is read of it.
  opened['tcp ended'] = await raw(PORTS.tcp, 'listen\n', (socket) => socket.end());
  // More than the worker and both kernels take for a backend that reads none of it.
  opened['tcp held'] = await raw(PORTS.tcp, 'hold\n', (socket) => socket.write(Buffer.alloc(HELD_BYTES)));
  // Takes nothing of what comes, and its kernel closes the window.
  opened['tcp stalled'] = await raw(PORTS.tcp, 'flood\n', (socket) => socket.pause());
  opened['tcp busy'] = await raw(PORTS.tcp, 'ticks\n');
  opened['http1 busy'] = await raw(PORTS.http, get('/ticks'));
  opened['http2 busy'] = await session(PORTS.http, '/ticks');
  opened['ping busy'] = await session(PORTS.ping, '/ticks');
}
const quiet = async () => {
  opened['tcp quiet'] = await raw(PORTS.tcp, 'hello\n');
  opened['http1 quiet'] = await raw(PORTS.http, get('/'));
  opened['http2 quiet'] = await session(PORTS.http, '/');
  opened['ping quiet'] = await session(PORTS.ping, '/');
};
for (let left = count; left > 0; left -= AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, quiet));
}
// The kernel delays its last ACK; with data unacknowledged, retransmission would be tested and not keepalive.
await sleep(200);
process.stdout.write(`${JSON.stringify({ event: 'quiet', at: Date.now(), opened })}\n`);
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
