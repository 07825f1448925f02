import { describeSocketOptionError, type SocketOptionError, setTcpKeepalive, socketFd } from '@pulseplane/keepalive';
import type { EffectiveBackend, SocketKeepalive } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import type { UpstreamPath } from '../tables/upstream-path.ts';
import type { TcpSocket } from '../transport/tcp-socket.ts';
import { UpstreamConnection, type UpstreamProtocol } from './upstream-connection.ts';

export type UpstreamRegistryContext = {
  readonly logger: Logger;
  /** The settings in force on a path; undefined when its backend is no longer configured. */
  settings(path: UpstreamPath): EffectiveBackend | undefined;
  /** The version in which a policy came. */
  policyVersion(policyKey: string): string | undefined;
  onSocketOptionError(error: SocketOptionError): void;
};

/** All open connections to backends, each under the settings of its path. */
export type UpstreamRegistry = {
  /** Registers an open socket; it leaves by itself when it closes. */
  add(protocol: UpstreamProtocol, path: UpstreamPath, socket: TcpSocket): UpstreamConnection;
  /** The connection is used by that path from now on. */
  assign(connection: UpstreamConnection, path: UpstreamPath): void;
  /** Makes an open connection obey the settings in force. Doing it twice changes nothing. */
  judge(connection: UpstreamConnection): void;
  all(): ReadonlySet<UpstreamConnection>;
};

export function createUpstreamRegistry(context: UpstreamRegistryContext): UpstreamRegistry {
  const connections = new Set<UpstreamConnection>();
  let lastId = 0;

  const versionOf = (source: string | undefined) => source && context.policyVersion(source);

  const judge = (connection: UpstreamConnection) => {
    const { transport, path, keepalive } = connection;
    const settings = context.settings(path);
    if (settings === undefined || transport.destroyed) return;
    const { tcp, http } = settings;
    const httpSource = connection.protocol === 'tcp' ? undefined : http.source;
    connection.sources = { tcp: tcp.source, http: httpSource };
    connection.versions = { tcp: versionOf(tcp.source), http: versionOf(httpSource) };
    if (keepalive !== undefined && sameKeepalive(keepalive, tcp)) return;
    connection.keepalive = tcp;
    connection.nextLookAt = 0;
    const error = set(transport, tcp);
    if (error === undefined) return;
    context.onSocketOptionError(error);
    context.logger.warn(
      { upstream: connection.id, backend: path.backendKey, error: describeSocketOptionError(error) },
      'TCP keepalive could not be set on a connection to a backend',
    );
  };

  return {
    add(protocol, path, socket) {
      lastId += 1;
      const connection = new UpstreamConnection(String(lastId), protocol, path, socket);
      connections.add(connection);
      socket.on('close', () => connections.delete(connection));
      judge(connection);
      return connection;
    },
    assign(connection, path) {
      connection.path = path;
      judge(connection);
    },
    judge,
    all: () => connections,
  };
}

/** Whether a socket that has the one has the other too. */
export function sameKeepalive(a: SocketKeepalive, b: SocketKeepalive): boolean {
  return a.idleSeconds === b.idleSeconds && a.intervalSeconds === b.intervalSeconds && a.probes === b.probes;
}

function set(
  socket: TcpSocket,
  { idleSeconds, intervalSeconds, probes }: SocketKeepalive,
): SocketOptionError | undefined {
  const fd = socketFd(socket);
  if (fd === undefined) {
    return { kind: 'unsupported', reason: 'this Node does not show the file descriptor of a socket' };
  }
  return setTcpKeepalive(fd, { enabled: true, idleSeconds, intervalSeconds, probes });
}
