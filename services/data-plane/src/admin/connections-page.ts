import { setImmediate as turn } from 'node:timers/promises';
import { describeSocketOptionError, getTcpInfo, getTcpKeepalive, socketFd } from '@pulseplane/keepalive';
import type { Connection } from '../connection/connection.ts';

/** Each connection costs six system calls; so many are read before the event loop may turn. */
const PER_TURN = 200;

/** Every open connection with what the kernel says about it now. Times in milliseconds. */
export async function connectionsPage(connections: Iterable<Connection>): Promise<object> {
  const rows: object[] = [];
  for (const connection of [...connections]) {
    if (connection.socket.destroyed) continue;
    rows.push(describe(connection));
    if (rows.length % PER_TURN === 0) await turn();
  }
  return { connections: rows };
}

function describe(connection: Connection): object {
  const { socket } = connection;
  const fd = socketFd(socket);
  const keepalive = fd === undefined ? undefined : getTcpKeepalive(fd);
  const info = fd === undefined ? undefined : getTcpInfo(fd);
  const tcp = info?.ok === true ? info.value : undefined;
  return {
    id: connection.id,
    peer: connection.peer,
    local: connection.local,
    listener: connection.listenerKey,
    protocol: connection.protocol,
    ageMs: Math.round(performance.now() - connection.acceptedAt),
    idleMs: tcp === undefined ? null : Math.min(tcp.lastDataReceivedMs, tcp.lastDataSentMs),
    bytesIn: tcp?.bytesReceived ?? socket.bytesRead,
    bytesOut: tcp?.bytesAcked ?? socket.bytesWritten,
    policy: { tcp: connection.policyKeys.tcp ?? null, http: connection.policyKeys.http ?? null },
    keepalive:
      keepalive === undefined
        ? { error: 'no file descriptor' }
        : keepalive.ok
          ? keepalive.value
          : { error: describeSocketOptionError(keepalive.error) },
    unansweredProbes: tcp?.unansweredProbes ?? null,
    rttMs: tcp?.rttMs ?? null,
    lastPingRttMs: connection.served?.lastPingRttMs() ?? null,
  };
}
