import { createServer, type Server } from 'node:net';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { ignoreNewConnections, openSharedPort, socketFd } from '@pulseplane/keepalive';
import type { Bind } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import { acceptHandles } from '../transport/accept-handles.ts';
import { tcpBinding } from '../transport/tcp-binding.ts';
import type { TcpSocket } from '../transport/tcp-socket.ts';
import { HIGH_WATER_MARK } from '../upstream/dial.ts';

/** How one port is doing. */
export type BindStatus = { readonly bind: Bind } & (
  | { readonly state: 'opening' }
  | { readonly state: 'listening'; readonly since: Date }
  /** `error` is the name of the errno, `address` what was tried, without the port. */
  | { readonly state: 'failed'; readonly since: Date; readonly error: string; readonly address: string }
);

/** Keeps one listening socket for each configured port. */
export type BindManager = {
  /** Opens what is new, closes what is gone, leaves the rest alone. */
  reconcile(binds: readonly Bind[]): void;
  status(): readonly BindStatus[];
  /**
   * Stops accepting everywhere, for good, without resetting a connection: those that have begun are accepted before the
   * ports are closed.
   */
  close(): Promise<void>;
};

export type BindManagerOptions = {
  readonly listenAddress: string;
  /** Others that ask for it too may listen on the same ports. */
  readonly sharePorts?: boolean;
  readonly logger: Logger;
  /** Whether a connection that comes now carries raw bytes and nothing else, for which it needs no stream. */
  isRaw(bind: Bind): boolean;
  onConnection(bind: Bind, socket: TcpSocket): void;
  /** A port is open now, or cannot be opened, or for another reason. */
  onStatus(): void;
  /** Milliseconds until a port that could not be opened is tried again. */
  readonly retryMs?: number;
};

type Entry = { bind: Bind; server: Server | undefined; retry: NodeJS.Timeout | undefined; status: BindStatus };

const RETRY_MS = 1_000;
const BACKLOG = 511;
/** Where bytes are carried as they come. */
const RAW = { highWaterMark: HIGH_WATER_MARK };
/** A handshake that has begun is over by then, and no client has asked for its connection again. */
const HANDSHAKE_MS = 300;

export function createBindManager(options: BindManagerOptions): BindManager {
  const { listenAddress, sharePorts = false, logger, isRaw, onConnection, onStatus, retryMs = RETRY_MS } = options;
  const entries = new Map<string, Entry>();
  let closed = false;

  const open = (entry: Entry) => {
    entry.retry = undefined;
    if (closed) return;
    // Half-open, because a TCP proxy passes each direction's end on by itself.
    const options = { allowHalfOpen: true, noDelay: true, ...(entry.bind.protocol !== 'http' && RAW) };
    const accept = (socket: TcpSocket) => onConnection(entry.bind, socket);
    const server = createServer(options, accept);
    entry.server = server;
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (entry.server !== server) return;
      if (server.listening) {
        // The port itself is fine; accepting one connection failed, for example for want of descriptors.
        logger.warn({ port: entry.bind.port, error: error.message }, 'a connection could not be accepted');
        return;
      }
      fail(entry, error.code ?? error.message);
    });
    const { port } = entry.bind;
    const shared = sharePorts ? openSharedPort(listenAddress, port, BACKLOG) : undefined;
    if (shared?.ok === false) return fail(entry, shared.error);
    const place = shared === undefined ? { host: listenAddress, port } : { fd: shared.fd };
    server.listen({ ...place, backlog: BACKLOG }, () => {
      if (tcpBinding !== undefined) acceptHandles(tcpBinding, server, () => isRaw(entry.bind), accept);
      entry.status = { bind: entry.bind, state: 'listening', since: new Date() };
      logger.info({ bind: entry.bind.key, address: listenAddress, port: entry.bind.port }, 'listening');
      onStatus();
    });
  };

  const fail = (entry: Entry, error: string) => {
    const news = entry.status.state !== 'failed' || entry.status.error !== error;
    if (news) {
      entry.status = { bind: entry.bind, state: 'failed', since: new Date(), error, address: listenAddress };
      logger.error(
        { bind: entry.bind.key, address: listenAddress, port: entry.bind.port, error },
        'the port could not be opened; it is tried again until it can',
      );
      onStatus();
    }
    entry.retry = setTimeout(() => open(entry), retryMs);
    entry.retry.unref();
  };

  const shut = (entry: Entry) => {
    const { server } = entry;
    entry.server = undefined;
    clearTimeout(entry.retry);
    server?.close();
  };

  return {
    reconcile(binds) {
      if (closed) return;
      const wanted = new Map(binds.map((bind) => [bind.key, bind]));
      // Closing comes first, so that a port can pass from one key to another.
      for (const [key, entry] of entries) {
        if (wanted.get(key)?.port === entry.bind.port) continue;
        shut(entry);
        entries.delete(key);
      }
      for (const bind of binds) {
        const entry = entries.get(bind.key);
        if (entry === undefined) {
          const fresh: Entry = { bind, server: undefined, retry: undefined, status: { bind, state: 'opening' } };
          entries.set(bind.key, fresh);
          open(fresh);
        } else {
          entry.bind = bind;
          entry.status = { ...entry.status, bind };
        }
      }
    },
    status: () => [...entries.values()].map((entry) => entry.status),
    async close() {
      closed = true;
      const opened = [...entries.values()].flatMap(({ server }) => (server?.listening === true ? [server] : []));
      const fds = opened.map(socketFd).filter((fd) => fd !== undefined);
      const isDeaf = fds.map(ignoreNewConnections).every((error) => error === undefined);
      // Else right after connections were accepted: the kernel resets those that a closed port has not accepted.
      await (isDeaf && fds.length > 0 ? delay(HANDSHAKE_MS) : setImmediate());
      for (const entry of entries.values()) shut(entry);
      entries.clear();
    },
  };
}
