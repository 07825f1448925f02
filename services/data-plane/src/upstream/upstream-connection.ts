import type { SocketKeepalive } from '@pulseplane/projection/gateway';
import type { UpstreamPath } from '../tables/upstream-path.ts';
import type { TcpSocket } from '../transport/tcp-socket.ts';

/** `websocket` and `upgraded` (to anything else) began as HTTP/1.1. */
export type UpstreamProtocol = 'http1' | 'http2' | 'tcp' | 'websocket' | 'upgraded';

/** One open connection to a backend. */
export class UpstreamConnection {
  readonly id: string;
  protocol: UpstreamProtocol;
  readonly transport: TcpSocket;
  /** `performance.now()` when it was open. */
  readonly openedAt = performance.now();
  /** Whose settings hold: the path that uses it, or that used it last. */
  path: UpstreamPath;
  /** Requests under way; a raw TCP connection has one for as long as it lasts. */
  underWay = 0;
  /** What the kernel was asked for last; undefined before the first time. */
  keepalive: SocketKeepalive | undefined;
  /** When to look again whether the backend is gone, as `performance.now()` counts. */
  nextLookAt = 0;
  /** What sets the sections in force. */
  sources: { readonly tcp?: string | undefined; readonly http?: string | undefined } = {};
  /** The versions of those that are policies. */
  versions: { readonly tcp?: string | undefined; readonly http?: string | undefined } = {};
  /** How long the ACK of the last PING took, in milliseconds. */
  lastPingRttMs: number | undefined;

  constructor(id: string, protocol: UpstreamProtocol, path: UpstreamPath, transport: TcpSocket) {
    this.id = id;
    this.protocol = protocol;
    this.path = path;
    this.transport = transport;
  }
}
