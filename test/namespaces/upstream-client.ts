import { connect } from 'node:net';
import { upstreamPorts } from './ports.ts';

// Runs beside the worker: for each backend a quiet and a busy raw connection, request over HTTP/1.1, and request that the
// worker sends on over HTTP/2. Says when and how each of them ends.
const backends = Number(process.argv[2]);
const DRIP_MS = 100;

const write = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);

function open(backend: number, name: string, port: number, busy: boolean, head: string): void {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    const isAnswer = text === '' && name !== 'tcp';
    text += chunk.toString('latin1');
    if (isAnswer) ended();
  });
  socket.on('close', () => ended());
  let isOver = false;
  const ended = () => {
    if (isOver) return;
    isOver = true;
    const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'closed';
    write({ event: 'ended', at: Date.now(), backend, what: `${name} ${busy ? 'busy' : 'quiet'}`, status });
    socket.destroy();
  };
  socket.write(head);
  if (!busy) return;
  const drip = setInterval(() => {
    if (socket.writable) socket.write(name === 'tcp' ? 'x' : '1\r\nx\r\n');
  }, DRIP_MS);
  socket.once('close', () => clearInterval(drip));
}

const QUIET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const BUSY = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
write({ event: 'opening', at: Date.now() });
for (let backend = 0; backend < backends; backend += 1) {
  const ports = upstreamPorts(backend);
  for (const busy of [true, false]) {
    open(backend, 'tcp', ports.tcp, busy, 'x');
    open(backend, 'http1', ports.http1, busy, busy ? BUSY : QUIET);
    open(backend, 'http2', ports[busy ? 'http2 busy' : 'http2 quiet'], busy, busy ? BUSY : QUIET);
  }
}
process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
