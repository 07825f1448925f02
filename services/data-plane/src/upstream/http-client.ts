import type { Duplex, Readable } from 'node:stream';
import type { Backend, EffectiveBackend } from '@pulseplane/projection/gateway';
import type { UpstreamPath } from '../tables/upstream-path.ts';

/** A request as it goes to a backend. */
export type UpstreamRequest = {
  readonly method: string;
  readonly target: string;
  /** Names and values in turn, with `host`, without those of one connection. */
  readonly headers: readonly string[];
  /** The client takes trailers. */
  readonly trailers: boolean;
  readonly body: Readable | undefined;
  /** What follows the body, when it has ended: names and values in turn. */
  readonly bodyTrailers: () => readonly string[];
  /** The protocols that the client wants to change to; such a request has no body. */
  readonly upgrade: string | undefined;
};

/** What comes after the head of an answer; `trailers`: a body, and then perhaps trailers. */
export type ResponseFollows = 'nothing' | 'body' | 'trailers';

/** More interim answers to one request are a flood: each makes work, and none of them is the answer. */
export const MOST_INTERIM = 1_000;

/** A request that is under way. */
export type UpstreamCall = {
  resume(): void;
  /** Ends it; the handler hears of the error. */
  abort(error: Error): void;
};

/**
 * Hears of a request: `onStart`, `onHead`, `onData`, and at last `onEnd` or `onError`, which may come at any time. In place
 * of all after `onStart` an upgrade that the backend takes has `onUpgrade`.
 */
export type UpstreamHandler = {
  onStart(call: UpstreamCall): void;
  /** An interim answer (status 102 to 199, RFC 9110, section 15.2), before the head. */
  onInterim(status: number, headers: readonly string[]): void;
  /** Names and values in turn. */
  onHead(status: number, headers: readonly string[], follows: ResponseFollows): void;
  /** The backend speaks that protocol from now on. The stream is the handler's to end. */
  onUpgrade(protocol: string, headers: readonly string[], stream: Duplex): void;
  /** False: no more until `resume`. */
  onData(chunk: Buffer): boolean;
  onEnd(trailers: readonly string[]): void;
  onError(error: Error, lost?: LostRequest): void;
};

/**
 * What became of a request that failed. `unsent`: nothing of it went out. `unprocessed`: the backend says that it has not
 * looked at it. `stale`: its connection had carried others before and ended without a byte of an answer.
 */
export type LostRequest = 'unsent' | 'unprocessed' | 'stale';

/** What happens to pooled connections, for the metrics. */
export type PoolEvent =
  /** A connection did not answer a PING before it was used again. */
  | 'evicted'
  /** A request was sent again. */
  | 'retried'
  /** A backend complained of too many PINGs. */
  | 'too_many_pings';

/** Where a request goes, and what holds there. */
export type UpstreamRoute = {
  readonly path: UpstreamPath;
  readonly backend: Backend;
  readonly settings: EffectiveBackend;
  /** How long the head of the answer may take after the request; 0: that is somebody else's business. */
  readonly headersTimeoutMs: number;
};

/** Connections to backends in one version of HTTP. Each is under the settings of the path that uses it. */
export type HttpClient = {
  /** @param fresh not over a pooled connection: one of those has just failed the request */
  send(route: UpstreamRoute, request: UpstreamRequest, handler: UpstreamHandler, fresh: boolean): void;
  /** Lets go of connections to all other origins; their requests finish. */
  keepOnly(origins: ReadonlySet<string>): void;
  close(): Promise<void>;
};

const origins = new WeakMap<Backend, string>();

/** The origin of a backend. */
export function originOf(backend: Backend): string {
  let origin = origins.get(backend);
  if (origin === undefined) {
    const { host, port } = backend;
    origin = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
    origins.set(backend, origin);
  }
  return origin;
}
