import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { resourceName } from '../../packages/projection/src/gateway/index.ts';
import {
  GATEWAY,
  httpPolicy,
  listening,
  portResources,
  tcpPolicy,
} from '../../services/data-plane/src/testing/world.ts';
import { createWorker } from '../../services/data-plane/src/worker.ts';

// Runs inside a namespace: a worker with its upstreams. Each closed connection is one line of JSON on standard output.
const HTTP_PORT = 3000;
const TCP_PORT = 3001;

const write = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const onLog = (fields: object, message: string) => {
  if (message === 'connection closed') write({ event: 'closed', at: Date.now(), ...fields });
};
const worker = createWorker({
  listenAddress: '0.0.0.0',
  adminAddress: '127.0.0.1',
  adminPort: 0,
  metricsPort: 0,
  readinessPort: 0,
  gateway: GATEWAY,
  logger: { debug: onLog, info: onLog, warn: onLog, error: onLog },
  version: 'test',
  pingJitter: 0,
});

const http = createHttpServer((request, response) => {
  if (request.url !== '/ticks') return void response.end('hello\n');
  // Data is on its way all the time, so that the kernel retransmits and does not probe.
  const ticks = setInterval(() => response.write('tick\n'), 100);
  response.once('close', () => clearInterval(ticks));
}).listen(0, '127.0.0.1');
const tcp = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
}).listen(0, '127.0.0.1');
await Promise.all([once(http, 'listening'), once(tcp, 'listening')]);
await worker.start();
const settings = JSON.parse(process.argv[2] ?? '{}') as {
  tcp?: Parameters<typeof tcpPolicy>[0];
  http?: Parameters<typeof httpPolicy>[0];
};
const resources = [
  ...portResources('http', HTTP_PORT, (http.address() as AddressInfo).port),
  ...portResources('tcp', TCP_PORT, (tcp.address() as AddressInfo).port),
  ...(settings.tcp === undefined ? [] : [tcpPolicy(settings.tcp)]),
  ...(settings.http === undefined ? [] : [httpPolicy(settings.http)]),
];
worker.apply({ updated: resources.map((resource) => ({ name: resourceName(resource), resource })), removed: [] });
worker.configured();
await listening(HTTP_PORT);
await listening(TCP_PORT);
write({ event: 'ready', admin: worker.ports().admin });
process.stdin.resume();
process.stdin.once('end', () => {
  worker.drain(0).then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
