import { once } from 'node:events';
import { connect } from 'node:net';

// Runs inside a namespace: reads an answer that never ends. Says so when it has begun.
const socket = connect(3000, process.argv[2] ?? '127.0.0.1');
socket.on('error', () => undefined);
socket.write('GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n');
await once(socket, 'data');
socket.resume();
process.stdout.write(`${JSON.stringify({ event: 'ticked', at: Date.now() })}\n`);
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
