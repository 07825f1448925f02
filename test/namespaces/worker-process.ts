import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type GatewayResource, resourceName } from '../../packages/projection/src/gateway/index.ts';
import {
  backendPolicy,
  GATEWAY,
  httpPolicy,
  listening,
  portResources,
  tcpPolicy,
} from '../../services/data-plane/src/testing/world.ts';
import { createWorker } from '../../services/data-plane/src/worker.ts';
import { PORTS, upstreamPorts } from './ports.ts';

// Runs inside a namespace: a worker with its upstreams. Each closed connection is one line of JSON on standard output.
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

const TICK_MS = 100;
const FLOOD_BYTES = 32 * 1_048_576;
const http = createHttpServer((request, response) => {
  if (request.url !== '/ticks') return void response.end('hello\n');
  // Data is on its way all the time, so that the kernel retransmits and does not probe.
  const ticks = setInterval(() => response.write('tick\n'), TICK_MS);
  response.once('close', () => clearInterval(ticks));
}).listen(0, '127.0.0.1');
const tcp = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', (chunk) => {
    socket.write('hello\n');
    const asked = chunk.toString();
    if (asked !== 'listen\n') socket.once('end', () => socket.end());
    if (asked === 'hold\n') socket.pause();
    if (asked === 'flood\n') socket.write(Buffer.alloc(FLOOD_BYTES));
    if (asked !== 'ticks\n') return;
    const ticks = setInterval(() => socket.write('tick\n'), TICK_MS);
    socket.once('close', () => clearInterval(ticks));
  });
}).listen(0, '127.0.0.1');
await Promise.all([once(http, 'listening'), once(tcp, 'listening')]);
await worker.start();
/** `backends`: addresses. */
const settings = JSON.parse(process.argv[2] ?? '{}') as {
  readonly tcp: Parameters<typeof tcpPolicy>[0];
  readonly ping: Parameters<typeof httpPolicy>[0];
  readonly backends: readonly string[];
};
const httpUpstream = (http.address() as AddressInfo).port;
const resources: GatewayResource[] = [
  ...portResources('http', PORTS.http, httpUpstream),
  ...portResources('http', PORTS.ping, httpUpstream, '127.0.0.1', 'ping'),
  ...portResources('tcp', PORTS.tcp, (tcp.address() as AddressInfo).port),
  tcpPolicy(settings.tcp),
  httpPolicy(settings.ping, PORTS.ping),
  backendPolicy({ section: 'tcp', keepalive: settings.tcp }),
  ...settings.backends.flatMap((host, index) => {
    const ports = upstreamPorts(index);
    return [
      ...portResources('tcp', ports.tcp, PORTS.tcp, host, `tcp${index}`),
      ...portResources('http', ports.http1, PORTS.http, host, `http1-${index}`),
      ...(['http2 quiet', 'http2 busy'] as const).flatMap((path) => {
        const name = `${path.replace(' ', '-')}-${index}`;
        return [
          ...portResources('http', ports[path], PORTS.ping, host, name),
          backendPolicy(
            { section: 'http', version: 'http2' },
            { backend: { namespace: GATEWAY.namespace, name: `${name}-upstream` } },
            name,
          ),
        ];
      }),
    ];
  }),
];
worker.apply({ updated: resources.map((resource) => ({ name: resourceName(resource), resource })), removed: [] });
worker.configured();
for (const resource of resources) if (resource.kind === 'bind') await listening(resource.port);
write({ event: 'ready', at: Date.now(), admin: worker.ports().admin });
process.stdin.resume();
process.stdin.once('end', () => {
  worker.drain(0).then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
