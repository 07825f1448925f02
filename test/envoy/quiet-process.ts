import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

// Runs inside a namespace: echoes on a port, or has a connection to one that is silent after its first bytes.
const [role = '', host = '', port = ''] = process.argv.slice(2);
const write = (event: string) => void process.stdout.write(`${JSON.stringify({ event, at: Date.now() })}\n`);

if (role === 'server') {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  }).listen(Number(port), host);
  await once(server, 'listening');
  write('ready');
} else {
  // The listener comes with the configuration.
  const deadline = Date.now() + 30_000;
  for (;;) {
    const socket = connect(Number(port), host);
    socket.write('hello');
    const [bytes] = await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => [undefined]);
    if (bytes instanceof Buffer) {
      socket.on('error', () => undefined);
      break;
    }
    socket.destroy();
    if (Date.now() > deadline) throw new Error(`${host}:${port} does not answer`);
    await sleep(100);
  }
  // The kernel delays its last ACK; with data unacknowledged, retransmission would be tested and not keepalive.
  await sleep(200);
  write('quiet');
}
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
