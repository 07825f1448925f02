import { setImmediate as turn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { describeSocketOptionError, getTcpInfo, getTcpKeepalive, socketFd } from '@pulseplane/keepalive';
import { type Connection, hostPort } from '../connection/connection.ts';
import type { TcpSocket } from '../transport/tcp-socket.ts';
import type { UpstreamConnection } from '../upstream/upstream-connection.ts';
import type { Row } from './connections-filter.ts';

/** Each connection costs six system calls; so many are read before the event loop may turn. */
const PER_TURN = 200;

/** Open connections, from clients and to backends, with what the kernel says about each now. Times in milliseconds. */
export async function connectionsPage(
  connections: Iterable<Connection>,
  upstreams: Iterable<UpstreamConnection>,
  matches: (row: Row) => boolean,
): Promise<object> {
  return {
    connections: await rows(connections, describe, matches),
    upstreams: await rows(upstreams, describeUpstream, matches),
  };
}

async function rows<One extends { readonly transport: TcpSocket }>(
  open: Iterable<One>,
  toRow: (one: One) => Row,
  matches: (row: Row) => boolean,
): Promise<readonly Row[]> {
  const found: Row[] = [];
  for (const [index, one] of [...open].entries()) {
    if (index % PER_TURN === PER_TURN - 1) await turn();
    if (one.transport.destroyed) continue;
    const row = toRow(one);
    if (matches(row)) found.push(row);
  }
  return found;
}

function describe(connection: Connection): Row {
  const { bytes, ...kernel } = askKernel(connection.transport, 0);
  return {
    id: connection.id,
    peer: connection.peer,
    via: connection.via ?? null,
    local: connection.local,
    listener: connection.listenerKey,
    protocol: connection.protocol,
    serverName: connection.serverName ?? null,
    tls: describeTls(connection.secured),
    ageMs: Math.round(performance.now() - connection.acceptedAt),
    ...bytes,
    policy: { ...sections(connection.policyKeys), proxyProtocol: connection.policyKeys.proxyProtocol ?? null },
    policyVersion: {
      ...sections(connection.policyVersions),
      proxyProtocol: connection.policyVersions.proxyProtocol ?? null,
    },
    ...kernel,
    lastPingRttMs: connection.served?.lastPingRttMs() ?? null,
  };
}

function describeTls(secured: TLSSocket | undefined): object | null {
  if (secured === undefined) return null;
  const alpn = typeof secured.alpnProtocol === 'string' ? secured.alpnProtocol : null;
  return { version: secured.getProtocol(), cipher: secured.getCipher()?.standardName ?? null, alpn };
}

function describeUpstream(upstream: UpstreamConnection): Row {
  const { id, transport, path, protocol, openedAt, underWay, sources, versions, lastPingRttMs } = upstream;
  // Of a connection that was made from here the kernel counts the SYN.
  const { bytes, ...kernel } = askKernel(transport, 1);
  const { kind, namespace, name, ruleName } = path.route;
  return {
    id,
    peer: hostPort(transport.remoteAddress ?? '', transport.remotePort ?? 0),
    local: hostPort(transport.localAddress ?? '', transport.localPort ?? 0),
    backend: path.backendKey,
    route: `${kind} ${namespace}/${name}${ruleName === undefined ? '' : `/${ruleName}`}`,
    listener: path.listener,
    protocol,
    requests: underWay,
    ageMs: Math.round(performance.now() - openedAt),
    ...bytes,
    policy: sections(sources),
    policyVersion: sections(versions),
    ...kernel,
    lastPingRttMs: lastPingRttMs ?? null,
  };
}

function sections({ tcp, http }: UpstreamConnection['sources']): Row {
  return { tcp: tcp ?? null, http: http ?? null };
}

/** @param uncounted what of the acknowledged bytes is no payload */
function askKernel(socket: TcpSocket, uncounted: number) {
  const fd = socketFd(socket);
  const keepalive = fd === undefined ? undefined : getTcpKeepalive(fd);
  const info = fd === undefined ? undefined : getTcpInfo(fd);
  const tcp = info?.ok === true ? info.value : undefined;
  return {
    bytes: {
      idleMs: tcp === undefined ? null : Math.min(tcp.lastDataReceivedMs, tcp.lastDataSentMs),
      bytesIn: tcp?.bytesReceived ?? socket.bytesRead,
      bytesOut: tcp?.bytesAcked === undefined ? socket.bytesWritten : tcp.bytesAcked - uncounted,
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
