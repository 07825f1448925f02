import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import http2 from 'node:http2';
import { createServer } from 'node:net';
import { PORTS } from './ports.ts';

// Runs inside a namespace: a backend of each protocol that greets (raw) or is silent (HTTP), and reads all it is sent.
// Says when it has been asked for everything once.
/** Raw connections and requests, quiet and busy, over both versions of HTTP. */
let awaited = 6;
const take = () => {
  awaited -= 1;
  if (awaited === 0) process.stdout.write(`${JSON.stringify({ event: 'taken', at: Date.now() })}\n`);
};
const tcp = createServer((socket) => {
  take();
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.write('hello\n');
}).listen(PORTS.tcp);
const one = createHttpServer((request) => {
  take();
  request.resume();
}).listen(PORTS.http);
const two = http2.createServer();
two.on('stream', (stream) => {
  take();
  stream.on('error', () => undefined);
  stream.resume();
});
two.on('sessionError', () => undefined);
two.listen(PORTS.ping);
await Promise.all([tcp, one, two].map((server) => once(server, 'listening')));
process.stdout.write(`${JSON.stringify({ event: 'ready', at: Date.now() })}\n`);
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
