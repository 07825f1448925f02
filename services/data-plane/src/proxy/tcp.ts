import type { Socket } from 'node:net';
import type { Backend } from '@pulseplane/projection/gateway';
import type { Connection, Served } from '../connection/connection.ts';
import type { UpstreamPath } from '../tables/upstream-path.ts';
import { HandleSocket } from '../transport/handle-socket.ts';
import type { TcpSocket } from '../transport/tcp-socket.ts';
import type { Dial } from '../upstream/dial.ts';
import type { Carried, Carry } from './carry.ts';

/** Where the bytes go, and what they are. */
export type TcpUpstream = {
  readonly protocol: 'tcp' | 'tls';
  readonly path: UpstreamPath;
  readonly backend: Backend;
  readonly connectTimeoutMs: number;
};

/** How bytes come to a backend: both ends are of one kind. */
type Way<End> = { readonly dial: Dial<End>; readonly carry: Carry<End> };

/** The same for all connections. */
export type TcpContext = {
  readonly sockets: Way<Socket>;
  /** Undefined where this Node shows no handles. */
  readonly handles: Way<HandleSocket> | undefined;
  /** The connection to the backend is there, and carries bytes from now on. */
  onConnected(path: UpstreamPath, socket: TcpSocket): void;
  onError(connection: Connection, path: UpstreamPath, error: Error): void;
};

/**
 * Carries bytes both ways between a client and a backend, each way no faster than its reader, and passes the end of
 * each direction on by itself. When one side breaks off or is gone, so is the other.
 */
export function serveTcp(connection: Connection, upstream: TcpUpstream, context: TcpContext): void {
  const { transport } = connection;
  const { handles, sockets } = context;
  if (handles !== undefined && transport instanceof HandleSocket)
    new TcpServing(connection, transport, handles, upstream, context).dial(upstream);
  else new TcpServing(connection, connection.socket, sockets, upstream, context).dial(upstream);
}

/** An object rather than closures: a worker holds many connections that are silent. */
class TcpServing<End extends TcpSocket> implements Served {
  readonly protocol: TcpUpstream['protocol'];
  readonly #connection: Connection;
  readonly #client: End;
  readonly #way: Way<End>;
  readonly #path: UpstreamPath;
  readonly #context: TcpContext;
  #upstream: End | undefined;
  #failure: Error | undefined;
  #toClient: Carried | undefined;

  constructor(
    connection: Connection,
    client: End,
    way: Way<End>,
    { protocol, path }: TcpUpstream,
    context: TcpContext,
  ) {
    this.protocol = protocol;
    this.#connection = connection;
    this.#client = client;
    this.#way = way;
    this.#path = path;
    this.#context = context;
  }

  dial({ backend, connectTimeoutMs }: TcpUpstream): void {
    const options = { timeoutMs: connectTimeoutMs, allowHalfOpen: true };
    this.#upstream = this.#way.dial(backend, options, (error, socket) => {
      this.#connection.guard(() => {
        if (socket === undefined) this.#fail(error ?? new Error('no socket'));
        else this.#join(socket);
      });
    });
    if (this.#upstream === undefined) return;
    this.#client.on('close', () => this.destroy());
    this.#connection.serveAs(this);
  }

  closeGracefully(): void {}

  destroy(): void {
    this.#upstream?.destroy();
  }

  lastPingRttMs(): undefined {}

  isPassedOn(): boolean {
    return this.#upstream?.writableFinished === true;
  }

  bytesSent(): number {
    return this.#toClient?.bytesSent ?? 0;
  }

  #join(upstream: End): void {
    const { carry } = this.#way;
    const connection = this.#connection;
    this.#context.onConnected(this.#path, upstream);
    upstream.on('error', (error) => {
      this.#failure = error;
    });
    upstream.on('close', () => this.#upstreamClosed());
    carry(this.#client, upstream, () => connection.sideEnded('peer'));
    this.#toClient = carry(upstream, this.#client, () => connection.sideEnded('upstream'));
  }

  #upstreamClosed(): void {
    if (this.#failure !== undefined) this.#fail(this.#failure);
    else if (!this.#client.writableEnded) this.#connection.close('upstream');
  }

  #fail(error: Error): void {
    this.#context.onError(this.#connection, this.#path, error);
    this.#connection.close('upstream');
  }
}
