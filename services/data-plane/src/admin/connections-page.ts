import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describeSocketOptionError, getTcpInfo, getTcpKeepalive, socketFd } from '@pulseplane/keepalive';
import { type Connection, hostPort } from '../connection/connection.ts';
import type { UpstreamConnection } from '../upstream/upstream-connection.ts';

/** Each connection costs six system calls; so many are read before the event loop may turn. */
const PER_TURN = 200;

/** Every open connection, from clients and to backends, with what the kernel says about it now. Times in milliseconds. */
export async function connectionsPage(
  connections: Iterable<Connection>,
  upstreams: Iterable<UpstreamConnection>,
): Promise<object> {
  return { connections: await rows(connections, describe), upstreams: await rows(upstreams, describeUpstream) };
}

async function rows<One extends { readonly socket: Socket }>(
  open: Iterable<One>,
  toRow: (one: One) => object,
): Promise<readonly object[]> {
  const found: object[] = [];
  for (const one of [...open]) {
    if (one.socket.destroyed) continue;
    found.push(toRow(one));
    if (found.length % PER_TURN === 0) await turn();
  }
  return found;
}

function describe(connection: Connection): object {
  const { bytes, ...kernel } = askKernel(connection.socket);
  return {
    id: connection.id,
    peer: connection.peer,
    via: connection.via ?? null,
    local: connection.local,
    listener: connection.listenerKey,
    protocol: connection.protocol,
    serverName: connection.serverName ?? null,
    ageMs: Math.round(performance.now() - connection.acceptedAt),
    ...bytes,
    policy: { tcp: connection.policyKeys.tcp ?? null, http: connection.policyKeys.http ?? null },
    ...kernel,
    lastPingRttMs: connection.served?.lastPingRttMs() ?? null,
  };
}

function describeUpstream({ id, socket, path, protocol, openedAt, underWay, sources }: UpstreamConnection): object {
  const { bytes, ...kernel } = askKernel(socket);
  const { kind, namespace, name, ruleName } = path.route;
  return {
    id,
    peer: hostPort(socket.remoteAddress ?? '', socket.remotePort ?? 0),
    local: hostPort(socket.localAddress ?? '', socket.localPort ?? 0),
    backend: path.backendKey,
    route: `${kind} ${namespace}/${name}${ruleName === undefined ? '' : `/${ruleName}`}`,
    listener: path.listener,
    protocol,
    requests: underWay,
    ageMs: Math.round(performance.now() - openedAt),
    ...bytes,
    policy: { tcp: sources.tcp ?? null, http: sources.http ?? null },
    ...kernel,
  };
}

function askKernel(socket: Socket) {
  const fd = socketFd(socket);
  const keepalive = fd === undefined ? undefined : getTcpKeepalive(fd);
  const info = fd === undefined ? undefined : getTcpInfo(fd);
  const tcp = info?.ok === true ? info.value : undefined;
  return {
    bytes: {
      idleMs: tcp === undefined ? null : Math.min(tcp.lastDataReceivedMs, tcp.lastDataSentMs),
      bytesIn: tcp?.bytesReceived ?? socket.bytesRead,
      bytesOut: tcp?.bytesAcked ?? socket.bytesWritten,
    },
    keepalive:
      keepalive === undefined
        ? { error: 'no file descriptor' }
        : keepalive.ok
          ? keepalive.value
          : { error: describeSocketOptionError(keepalive.error) },
    unansweredProbes: tcp?.unansweredProbes ?? null,
    rttMs: tcp?.rttMs ?? null,
  };
}
