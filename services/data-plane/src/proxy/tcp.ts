import type { Socket } from 'node:net';
import type { Backend } from '@pulseplane/projection/gateway';
import type { Connection, Served } from '../connection/connection.ts';
import type { UpstreamPath } from '../tables/upstream-path.ts';
import type { Dial } from '../upstream/dial.ts';
import type { Carried, Carry } from './carry.ts';

/** Where the bytes go, and what they are. */
export type TcpUpstream = {
  readonly protocol: 'tcp' | 'tls';
  readonly path: UpstreamPath;
  readonly backend: Backend;
  readonly connectTimeoutMs: number;
};

/** The same for all connections. */
export type TcpContext = {
  readonly dial: Dial;
  readonly carry: Carry;
  /** The connection to the backend is there, and carries bytes from now on. */
  onConnected(path: UpstreamPath, socket: Socket): void;
  onError(connection: Connection, path: UpstreamPath, error: Error): void;
};

/**
 * Carries bytes both ways between a client and a backend, each way no faster than its reader, and passes the end of
 * each direction on by itself. When one side breaks off or is gone, so is the other.
 */
export function serveTcp(connection: Connection, upstream: TcpUpstream, context: TcpContext): void {
  new TcpServing(connection, upstream, context).dial(upstream);
}

/** An object rather than closures: a worker holds many connections that are silent. */
class TcpServing implements Served {
  readonly protocol: TcpUpstream['protocol'];
  readonly #connection: Connection;
  readonly #path: UpstreamPath;
  readonly #context: TcpContext;
  #upstream: Socket | undefined;
  #failure: Error | undefined;
  #toClient: Carried | undefined;

  constructor(connection: Connection, { protocol, path }: TcpUpstream, context: TcpContext) {
    this.protocol = protocol;
    this.#connection = connection;
    this.#path = path;
    this.#context = context;
  }

  dial({ backend, connectTimeoutMs }: TcpUpstream): void {
    const options = { timeoutMs: connectTimeoutMs, allowHalfOpen: true };
    this.#upstream = this.#context.dial(backend, options, (error, socket) => {
      if (socket === undefined) this.#fail(error ?? new Error('no socket'));
      else this.#join(socket);
    });
    if (this.#upstream === undefined) return;
    this.#connection.socket.on('close', () => this.destroy());
    this.#connection.serveAs(this);
  }

  closeGracefully(): void {}

  destroy(): void {
    this.#upstream?.destroy();
  }

  lastPingRttMs(): undefined {}

  bytesSent(): number {
    return this.#toClient?.bytesSent ?? 0;
  }

  #join(upstream: Socket): void {
    const { carry, onConnected } = this.#context;
    const connection = this.#connection;
    onConnected(this.#path, upstream);
    upstream.on('error', (error) => {
      this.#failure = error;
    });
    upstream.on('close', () => this.#upstreamClosed());
    // Who ends first has ended it, whoever is last to say so.
    carry(connection.socket, upstream, () => connection.explain('peer'));
    this.#toClient = carry(upstream, connection.socket, () => connection.explain('upstream'));
  }

  #upstreamClosed(): void {
    if (this.#failure !== undefined) this.#fail(this.#failure);
    else if (!this.#connection.socket.writableEnded) this.#connection.close('upstream');
  }

  #fail(error: Error): void {
    this.#context.onError(this.#connection, this.#path, error);
    this.#connection.close('upstream');
  }
}
