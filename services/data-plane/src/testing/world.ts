import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BackendPolicy,
  type BackendTarget,
  type FrontendPolicy,
  type GatewayResource,
  type HttpSettings,
  type ProxyProtocol,
  resourceName,
  type TcpKeepalive,
  type TlsSettings,
} from '@pulseplane/projection/gateway';
import { createLogger } from '@pulseplane/telemetry';
import type { CloseReason } from '../connection/close-reason.ts';
import type { Reject } from '../tables/apply-batch.ts';
import { createWorker, type Worker, type WorkerOptions } from '../worker.ts';
import { freePort } from './free-port.ts';

export const GATEWAY = { namespace: 'httpbin', name: 'agentgateway-proxy' } as const;

/** One row of the admin page. */
type ConnectionRow = {
  readonly peer: string;
  readonly via: string | null;
  readonly listener: string;
  readonly serverName: string | null;
  readonly tls: { readonly version: string; readonly cipher: string; readonly alpn: string | null } | null;
  readonly protocol: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly policy: { readonly [Section in 'tcp' | 'http' | 'proxyProtocol']: string | null };
  readonly keepalive: {
    readonly enabled: boolean;
    readonly idleSeconds: number;
    readonly intervalSeconds: number;
    readonly probes: number;
  };
  readonly unansweredProbes: number;
  readonly lastPingRttMs: number | null;
};

/** One row about a connection to a backend. */
type UpstreamRow = Pick<
  ConnectionRow,
  'protocol' | 'bytesIn' | 'bytesOut' | 'policy' | 'keepalive' | 'lastPingRttMs'
> & {
  readonly backend: string;
  readonly route: string;
  readonly requests: number;
  readonly local: string;
};

/** A worker with an HTTP port and a TCP port in front of an upstream, all on loopback. */
export type World = {
  readonly worker: Worker;
  readonly httpPort: number;
  readonly tcpPort: number;
  apply(...resources: GatewayResource[]): readonly Reject[];
  remove(...resources: GatewayResource[]): void;
  /** The ports of what is behind them. */
  readonly upstreamPorts: { readonly http: number; readonly tcp: number };
  connections(): Promise<readonly ConnectionRow[]>;
  upstreams(): Promise<readonly UpstreamRow[]>;
  /** How many connections closed for a reason. */
  closes(reason: CloseReason): Promise<number>;
  metrics(): Promise<string>;
  admin(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  stop(): Promise<void>;
};

export type WorldOptions = Partial<WorkerOptions> & { readonly onRequest?: RequestListener };

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const { onRequest, ...overrides } = options;
  const http = createServer(onRequest ?? ((_request, response) => response.end('hello\n')));
  const tcp = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  const tcpSockets = track(tcp);
  for (const server of [http, tcp]) server.listen(0, '127.0.0.1');
  await Promise.all([once(http, 'listening'), once(tcp, 'listening')]);
  const [httpPort, tcpPort] = [await freePort(), await freePort()];
  const worker = createWorker({
    listenAddress: '127.0.0.1',
    adminAddress: '127.0.0.1',
    adminPort: 0,
    metricsPort: 0,
    readinessPort: 0,
    gateway: GATEWAY,
    logger: createLogger('test', 'silent'),
    version: 'test',
    pingJitter: 0,
    durationJitter: 0,
    ...overrides,
  });
  const stopUpstreams = () => Promise.all([http, tcp].map((server) => new Promise((resolve) => server.close(resolve))));
  try {
    await worker.start();
  } catch (error) {
    await stopUpstreams();
    throw error;
  }
  const admin = (path: string, headers = {}) => fetch(`http://127.0.0.1:${worker.ports().admin}${path}`, { headers });
  const metrics = async () => (await fetch(`http://127.0.0.1:${worker.ports().metrics}/metrics`)).text();
  const upstreamPorts = { http: (http.address() as AddressInfo).port, tcp: (tcp.address() as AddressInfo).port };
  const world: World = {
    worker,
    httpPort,
    tcpPort,
    upstreamPorts,
    apply: (...resources) =>
      worker.apply({
        updated: resources.map((resource) => ({ name: resourceName(resource), resource })),
        removed: [],
      }).rejects,
    remove: (...resources) => void worker.apply({ updated: [], removed: resources.map(resourceName) }),
    admin,
    metrics,
    async connections() {
      const page = (await (await admin('/connections')).json()) as { connections: ConnectionRow[] };
      return page.connections;
    },
    async upstreams() {
      const page = (await (await admin('/connections')).json()) as { upstreams: UpstreamRow[] };
      return page.upstreams;
    },
    async closes(reason) {
      const lines = (await metrics()).split('\n');
      const found = lines.filter(
        (line) =>
          line.startsWith('pulseplane_downstream_connection_closes_total') && line.includes(`reason="${reason}"`),
      );
      return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    async stop() {
      await worker.drain(0);
      http.closeAllConnections();
      for (const socket of tcpSockets) socket.destroy();
      await stopUpstreams();
    },
  };
  world.apply(
    ...portResources('http', httpPort, upstreamPorts.http),
    ...portResources('tcp', tcpPort, upstreamPorts.tcp),
  );
  worker.configured();
  await listening(httpPort);
  await listening(tcpPort);
  await until(async () => (await world.connections()).length === 0);
  return world;
}

/** A port with one listener and one route to one backend. */
export function portResources(
  protocol: 'http' | 'tcp',
  port: number,
  upstreamPort: number,
  host = '127.0.0.1',
  name: string = protocol,
): readonly GatewayResource[] {
  const bindKey = `${port}/${GATEWAY.namespace}/${GATEWAY.name}`;
  const listenerKey = `${GATEWAY.namespace}/${GATEWAY.name}.${name}`;
  const backendKey = `${GATEWAY.namespace}/${name}-upstream`;
  const route = {
    key: `${GATEWAY.namespace}/${name}-route`,
    listenerKey,
    name: { kind: protocol === 'http' ? 'HTTPRoute' : 'TCPRoute', namespace: GATEWAY.namespace, name },
    backends: [{ backendKey, weight: 1 }],
  };
  return [
    { kind: 'bind', key: bindKey, port, protocol },
    { kind: 'listener', key: listenerKey, bindKey, gateway: GATEWAY, listenerName: name, hostname: '', protocol },
    {
      kind: 'backend',
      key: backendKey,
      namespace: GATEWAY.namespace,
      name: `${name}-upstream`,
      host,
      port: upstreamPort,
      inlinePolicies: [],
    },
    protocol === 'http'
      ? { kind: 'route', ...route, hostnames: [], matches: [{ path: { type: 'prefix', value: '/' }, headers: [] }] }
      : { kind: 'tcp_route', ...route, hostnames: [] },
  ];
}

export function tcpPolicy(keepalive: TcpKeepalive): GatewayResource {
  return policy('frontend-tcp', { section: 'tcp', keepalive });
}

export function proxyPolicy(mode: ProxyProtocol['mode'], version: ProxyProtocol['version'] = 'all'): GatewayResource {
  return policy('frontend-proxy', { section: 'proxyProtocol', proxyProtocol: { mode, version } });
}

export function tlsPolicy(tls: TlsSettings): GatewayResource {
  return policy('frontend-tls', { section: 'tls', tls });
}

/** @param port undefined: on the gateway */
export function httpPolicy(http: HttpSettings, port?: number): GatewayResource {
  return policy('frontend-http', { section: 'http', http }, port);
}

/** A backend policy; on the gateway unless told otherwise. */
export function backendPolicy(
  backend: BackendPolicy,
  target: BackendTarget = { gateway: GATEWAY },
  name = 'upstream-settings',
): GatewayResource {
  const { namespace } = GATEWAY;
  return {
    kind: 'policy',
    key: `backend/${namespace}/${name}:backend-${backend.section}`,
    name: { kind: 'AgentgatewayPolicy', namespace, name },
    target,
    backend,
  };
}

function policy(suffix: string, frontend: FrontendPolicy, port?: number): GatewayResource {
  const { namespace, name } = GATEWAY;
  return {
    kind: 'policy',
    key: `frontend/${namespace}/httpbin-keepalive:${suffix}:${namespace}/${name}`,
    name: { kind: 'AgentgatewayPolicy', namespace, name: 'httpbin-keepalive' },
    target: { gateway: GATEWAY, ...(port !== undefined && { port }) },
    frontend,
  };
}

export async function listening(port: number): Promise<void> {
  await until(
    () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      }),
  );
}

/** Waits until something holds; fails after `ms`. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 3_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not so within ${ms} ms: ${holds}`);
    await sleep(10);
  }
}

/** Opens a raw connection and collects what comes. */
export async function rawClient(port: number): Promise<{ socket: Socket; received(): string; closed(): boolean }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  let text = '';
  let closed = false;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('end', () => {
    closed = true;
  });
  socket.on('close', () => {
    closed = true;
  });
  await once(socket, 'connect');
  return { socket, received: () => text, closed: () => closed };
}

function track(server: ReturnType<typeof createTcpServer>): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}
