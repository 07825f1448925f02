import { once } from 'node:events';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

// Runs inside a namespace: one quiet connection of each protocol. Says so when all have exchanged their last byte.
const host = process.argv[2] ?? '127.0.0.1';

const tcp = connect(3001, host);
tcp.on('error', () => undefined);
tcp.write('hello');
await once(tcp, 'data');

const one = connect(3000, host);
one.on('error', () => undefined);
one.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
await once(one, 'data');

const two = http2.connect(`http://${host}:3000`);
two.on('error', () => undefined);
const stream = two.request({ ':path': '/' });
stream.resume();
await once(stream, 'end');

const at = Date.now();
// The kernel delays its last ACK; with data unacknowledged, retransmission would be tested and not keepalive.
await sleep(200);
process.stdout.write(`${JSON.stringify({ event: 'quiet', at })}\n`);
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
