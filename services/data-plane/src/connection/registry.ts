import type { Bind } from '@pulseplane/projection/gateway';
import type { TcpSocket } from '../transport/tcp-socket.ts';
import type { CloseReason } from './close-reason.ts';
import { Connection } from './connection.ts';
import { asError, type OnFault } from './fault.ts';

/** All open connections. */
export type ConnectionRegistry = {
  /** Registers an accepted socket; it leaves by itself when it closes. */
  add(bind: Bind, listenerKey: string, socket: TcpSocket): Connection;
  all(): ReadonlySet<Connection>;
  readonly size: number;
  /** Resolves when no connection is open. */
  whenEmpty(): Promise<void>;
};

/** @param onClose called once for each connection, after its socket closed */
export function createConnectionRegistry(
  onClose: (connection: Connection, reason: CloseReason) => void,
  onFault: OnFault,
): ConnectionRegistry {
  const connections = new Set<Connection>();
  let waiting: (() => void)[] = [];
  let lastId = 0;

  const remove = (connection: Connection) => {
    connections.delete(connection);
    connection.cancelMaxDuration?.();
    connection.cancelRetirement?.();
    try {
      onClose(connection, connection.endedAs);
    } catch (thrown) {
      onFault('connection', asError(thrown), connection.id);
    }
    if (connections.size > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  };

  return {
    add(bind, listenerKey, socket) {
      lastId += 1;
      const connection = new Connection(String(lastId), bind, listenerKey, socket, onFault);
      connections.add(connection);
      socket.on('close', () => remove(connection));
      return connection;
    },
    all: () => connections,
    get size() {
      return connections.size;
    },
    whenEmpty: () =>
      connections.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(() => resolve())),
  };
}
