import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TcpKeepaliveOptions } from '@pulseplane/keepalive';
import type { Bind, EffectiveHttp } from '@pulseplane/projection/gateway';
import type { TcpSocket } from '../transport/tcp-socket.ts';
import { type CloseReason, reasonOfError } from './close-reason.ts';
import { asError, type OnFault } from './fault.ts';

/** `tls` is passed on as it comes. `websocket` and `upgraded` (to anything else) began as HTTP/1.1. */
export type Protocol = 'unknown' | 'http1' | 'http2' | 'tcp' | 'tls' | 'websocket' | 'upgraded';

/** The protocol of a connection that has changed to what an `upgrade` header names. */
export function upgradedProtocol(name: string): 'websocket' | 'upgraded' {
  return name.toLowerCase() === 'websocket' ? 'websocket' : 'upgraded';
}

/** Bytes are carried without knowing what they say. */
const RAW: ReadonlySet<Protocol> = new Set(['tcp', 'tls', 'websocket', 'upgraded']);

/** How a connection is served once its protocol is known. */
export type Served = {
  readonly protocol: Protocol;
  /** New settings hold from now on. Absent: HTTP settings mean nothing to it. */
  applyHttp?(http: EffectiveHttp): void;
  /**
   * Ends exchanges of which the client has taken nothing for so long. Absent: the whole connection is one.
   *
   * @returns whether others wait for the client
   */
  endStalled?(limitMs: number): boolean;
  /** Lets what is in flight finish, takes nothing new, then closes. */
  closeGracefully(): void;
  /** Ends the protocol at once; the socket is destroyed after it. */
  destroy(): void;
  lastPingRttMs(): number | undefined;
  /** All that the client sent, and its end, went on to where it is served from. Absent: that is all the same. */
  isPassedOn?(): boolean;
  /** Sent to the client past the socket. Absent: nothing is. */
  bytesSent?(): number;
};

/** How long a connection that is to end waits for a last request, because one may be on its way. */
export const LAST_REQUEST_MS = 1_000;

/** TCP keepalive as the worker set it on one socket. */
export type AppliedTcp = {
  /** What the socket had before the first policy. */
  readonly original: TcpKeepaliveOptions;
  /** Undefined after a failure: some of the values may hold, some not. */
  readonly current: TcpKeepaliveOptions | undefined;
};

type PerSection<Value> = { tcp?: Value; http?: Value; proxyProtocol?: Value };

type Endpoint = { readonly address: string; readonly port: number };

/** One accepted connection. */
export class Connection {
  readonly id: string;
  readonly bind: Bind;
  /** The server name (SNI) that the client asked for. */
  serverName: string | undefined;
  /** `performance.now()` at accept. */
  readonly acceptedAt = performance.now();
  /** The listener that it belongs to, or that its last request fell to. */
  listenerKey: string;
  tcp: AppliedTcp | undefined;
  /** Keys of the policies in force. What the PROXY protocol was at accept stays. */
  policyKeys: PerSection<string> = {};
  /** Their versions as xDS resources. */
  policyVersions: PerSection<string | undefined> = {};
  /** When to look again whether the peer is gone, as `performance.now()` counts. */
  nextLookAt = 0;
  cancelMaxDuration: (() => void) | undefined;
  maxDurationMs: number | undefined;
  /** Its own share, 0 to 1, of the jitter of its longest life. */
  readonly durationJitter = Math.random();
  /** Its port or listener is gone, so it may finish and takes no new settings: this calls off its end. */
  cancelRetirement: (() => void) | undefined;
  /** The error that ended it, if one did. */
  error: string | undefined;
  #served: Served | undefined;
  #reason: CloseReason | undefined;
  #endedFirst: 'peer' | 'upstream' | undefined;
  #closing = false;
  #client: Endpoint;
  #via: string | undefined;
  readonly #accepted: TcpSocket;
  readonly #onFault: OnFault;
  #secured: TLSSocket | undefined;

  constructor(id: string, bind: Bind, listenerKey: string, socket: TcpSocket, onFault: OnFault) {
    this.id = id;
    this.bind = bind;
    this.listenerKey = listenerKey;
    this.#accepted = socket;
    this.#onFault = onFault;
    this.#client = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    socket.on('error', (error) => this.fail(error));
  }

  /** The client: the other end of the socket, or whom a proxy speaks for. */
  get peer(): string {
    return hostPort(this.#client.address, this.#client.port);
  }

  /** Our end, while the socket is open. */
  get local(): string {
    return hostPort(plainAddress(this.#accepted.localAddress ?? ''), this.#accepted.localPort ?? 0);
  }

  get peerAddress(): string {
    return this.#client.address;
  }

  /** What carries the bytes: the accepted socket, or TLS on top of it. */
  get transport(): TcpSocket {
    return this.#secured ?? this.#accepted;
  }

  /** The same as a stream, which the protocol is read from and written to. */
  get socket(): Socket {
    const { transport } = this;
    if (transport instanceof Socket) return transport;
    throw new Error('a connection that was accepted without a stream carries raw bytes only');
  }

  /** The TLS that ends at the worker, after its handshake. */
  get secured(): TLSSocket | undefined {
    return this.#secured;
  }

  /** The handshake is done. */
  secure(secured: TLSSocket): void {
    this.#secured = secured;
    secured.on('error', (error) => this.fail(error));
  }

  /** The proxy that the connection comes from, if it spoke for another client. */
  get via(): string | undefined {
    return this.#via;
  }

  /** The other end is a proxy, and this is its client. */
  speakFor({ address, port }: Endpoint): void {
    this.#via = this.peer;
    this.#client = { address: plainAddress(address), port };
  }

  /** All that was sent to the client. */
  get bytesOut(): number {
    return this.transport.bytesWritten + (this.#served?.bytesSent?.() ?? 0);
  }

  get protocol(): Protocol {
    return this.#served?.protocol ?? 'unknown';
  }

  get isRaw(): boolean {
    return RAW.has(this.protocol);
  }

  /** The client has ended its side, and all of it went on. */
  get isHeardOut(): boolean {
    return this.transport.readableEnded && this.#served?.isPassedOn?.() !== false;
  }

  get served(): Served | undefined {
    return this.#served;
  }

  /** Known reason of the end, if it has one already. */
  get reason(): CloseReason | undefined {
    return this.#reason;
  }

  /** Why it ended, once it has: without a reason of ours by who ended first, or else the client. */
  get endedAs(): CloseReason {
    return this.#reason ?? this.#endedFirst ?? 'peer';
  }

  /** Whether the kernel probes this connection. */
  get keepaliveArmed(): boolean {
    return this.tcp?.current?.enabled === true;
  }

  /** One that is to end, is told so in whatever it speaks by now. */
  serveAs(served: Served): void {
    this.#served = served;
    if (this.#closing) served.closeGracefully();
  }

  /** Notes why the connection ends; the first reason stays. */
  explain(reason: CloseReason): void {
    const isOfASide = reason === 'peer' || reason === 'upstream';
    this.#reason ??= isOfASide ? (this.#endedFirst ?? reason) : reason;
  }

  /**
   * One side has no more to say, and the other may go on for long. Who ends first has ended the connection, whoever is
   * last to say so, if nothing else ends it before that.
   */
  sideEnded(side: 'peer' | 'upstream'): void {
    this.#endedFirst ??= side;
  }

  /** Notes an error and closes: for the reason that an error of the socket stands for, or a given one. */
  fail(error: Error, reason: CloseReason = reasonOfError(error, this.keepaliveArmed)): void {
    this.error ??= error.message;
    this.close(reason);
  }

  /** Runs a step of its life. What nobody had foreseen ends this connection, and no other (decision 33). */
  guard(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.fault(thrown);
    }
  }

  /** Something was thrown that nobody had foreseen. */
  fault(thrown: unknown): void {
    const error = asError(thrown);
    this.#onFault('connection', error, this.id);
    this.fail(error, 'error');
  }

  /** Closes at once. */
  close(reason: CloseReason): void {
    this.explain(reason);
    try {
      this.#served?.destroy();
    } catch (thrown) {
      this.#onFault('connection', asError(thrown), this.id);
    }
    this.transport.destroy();
    this.#accepted.destroy();
  }

  /**
   * Closes when what is in flight has finished. Raw TCP and what came of an upgrade have no such point: they go on until
   * they end by themselves, or until their time is over.
   */
  closeGracefully(reason: CloseReason): void {
    if (this.isRaw) {
      if (reason === 'max_duration') this.close(reason);
      return;
    }
    this.explain(reason);
    this.#closing = true;
    if (this.#served === undefined) this.transport.destroy();
    else this.guard(() => this.#served?.closeGracefully());
  }
}

/** An IPv4 address that came through an IPv6 socket is shown as what it is. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/** As URLs have it: an IPv6 address in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
