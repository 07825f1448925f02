import { readFileSync } from 'node:fs';

/** `burst` at once, and `perSecond` on and on. */
export type TokenRate = { readonly burst: number; readonly perSecond: number };

/** What the worker puts up with. Times are in milliseconds. */
export type Limits = {
  /** Open connections from clients. */
  readonly clientConnections: number;
  /** Open connections to all backends together. */
  readonly upstreamSockets: number;
  /** HTTP requests under way at one backend; each has a connection of its own. */
  readonly upstreamRequests: number;
  /** HTTP requests that wait for one backend. */
  readonly upstreamWaiting: number;
  readonly upstreamWaitMs: number;
  /** Requests that wait for their turn on one HTTP/1 connection. */
  readonly pipelined: number;
  /** From accept to the end of a PROXY header. */
  readonly proxyHeaderMs: number;
  /** From accept to the end of a ClientHello. */
  readonly clientHelloMs: number;
  /** From the first byte of a request over HTTP/1 to the end of its head; of HTTP/2's preface, or a header block, too. */
  readonly requestHeadMs: number;
  /** Without a byte of a request body, before the answer has begun. */
  readonly requestBodyIdleMs: number;
  /** Without a client of HTTP taking a byte of an answer that waits for it. */
  readonly sendIdleMs: number;
  /** An HTTP/2 session without a stream. */
  readonly http2IdleMs: number;
  /** PING and empty DATA frames of one HTTP/2 client to which nothing is sent meanwhile, and its SETTINGS. */
  readonly http2ControlFrames: TokenRate;
  /** A pooled HTTP/2 connection that was quiet for so long has to answer a PING before it gets a request. */
  readonly upstreamQuietMs: number;
  readonly upstreamPingTimeoutMs: number;
  /** Requests of one HTTP/2 client that it resets before they are answered. */
  readonly http2Resets: TokenRate;
};

/** For listening sockets, the worker's own ports, the control stream and name look-ups. */
const RESERVED_DESCRIPTORS = 192;
const FEWEST_CONNECTIONS = 16;
const CONNECTIONS_IF_UNKNOWN = 10_000;

/**
 * The limits of a process. Clients get half of the descriptors and upstreams the other half, so neither takes what
 * the other or the admin pages need.
 *
 * @param descriptors how many the process may open; undefined when that is unknown
 */
export function defaultLimits(descriptors = descriptorLimit()): Limits {
  const half =
    descriptors === undefined
      ? CONNECTIONS_IF_UNKNOWN
      : Math.max(FEWEST_CONNECTIONS, Math.floor((descriptors - RESERVED_DESCRIPTORS) / 2));
  return {
    clientConnections: half,
    upstreamSockets: half,
    // At most half of all, so that one backend that hangs leaves room for the others.
    upstreamRequests: Math.min(1_024, Math.floor(half / 2)),
    upstreamWaiting: 1_024,
    upstreamWaitMs: 10_000,
    pipelined: 64,
    // As in agentgateway, and at least 3 s: a lost packet is sent again by then (proxy-protocol.txt, section 2).
    proxyHeaderMs: 5_000,
    clientHelloMs: 10_000,
    requestHeadMs: 10_000,
    requestBodyIdleMs: 300_000,
    // As Envoy's stream_idle_timeout; nginx waits for 60 s.
    sendIdleMs: 300_000,
    http2IdleMs: 3_600_000,
    http2ControlFrames: { burst: 100, perSecond: 10 },
    upstreamQuietMs: 10_000,
    upstreamPingTimeoutMs: 2_000,
    http2Resets: { burst: 500, perSecond: 30 },
  };
}

function descriptorLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    // Not Linux.
    return undefined;
  }
}
