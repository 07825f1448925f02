import type { Backend } from '@pulseplane/projection/gateway';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import type { Limits } from '../limits.ts';
import { createSlots, type Slots } from './slots.ts';
import { createSocketBudget, type SocketBudget, UpstreamSocketsError } from './socket-budget.ts';

/** A backend as requests see it: a place first, then a connection of the pool. */
export type Upstream = { readonly dispatcher: Dispatcher; readonly slots: Slots };

/** Pooled HTTP/1.1 connections to backends. */
export type Upstreams = {
  of(backend: Backend): Upstream;
  /** Counts the sockets to backends, also those of raw TCP. */
  readonly sockets: SocketBudget;
  /** Lets go of the pools of backends that are no longer configured; their requests finish. */
  prune(backends: Iterable<Backend>): void;
  close(): Promise<void>;
};

export type UpstreamOptions = {
  readonly connectTimeoutMs?: number;
  /** From the request being sent to the response's head. */
  readonly headersTimeoutMs?: number;
};

const CONNECT_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 300_000;
const MAX_HEADER_BYTES = 65_536;

export function createUpstreams(limits: Limits, options: UpstreamOptions = {}): Upstreams {
  const pools = new Map<string, { readonly dispatcher: Pool; readonly slots: Slots }>();
  const sockets = createSocketBudget(limits.upstreamSockets);
  const connect = countedConnector(sockets, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
  return {
    sockets,
    of(backend) {
      const origin = originOf(backend);
      let pool = pools.get(origin);
      if (pool === undefined) {
        pool = {
          // Has no limit of its own: a request in the pool's line could not leave it.
          dispatcher: new Pool(origin, {
            pipelining: 1,
            allowH2: false,
            connect,
            headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
            // A stream may be silent for as long as its two ends like.
            bodyTimeout: 0,
            maxHeaderSize: MAX_HEADER_BYTES,
          }),
          slots: createSlots({
            places: limits.upstreamRequests,
            waiting: limits.upstreamWaiting,
            waitMs: limits.upstreamWaitMs,
          }),
        };
        pools.set(origin, pool);
      }
      return pool;
    },
    prune(backends) {
      const wanted = new Set([...backends].map(originOf));
      for (const [origin, { dispatcher, slots }] of pools) {
        if (wanted.has(origin)) continue;
        pools.delete(origin);
        // Fails only when it is closed already, which is what is wanted.
        slots.whenFree(() => void dispatcher.close().catch(() => undefined));
      }
    },
    async close() {
      const closing = [...pools.values()].map(({ dispatcher }) => dispatcher.destroy());
      pools.clear();
      await Promise.allSettled(closing);
    },
  };
}

/** Connects while the budget lasts; idle connections of the pools count too. */
function countedConnector(sockets: SocketBudget, timeout: number): buildConnector.connector {
  const connect = buildConnector({ timeout });
  return (options, callback) => {
    const taken = sockets.take();
    if (taken === undefined) {
      // Not at once: the pool does not expect an answer while it asks.
      process.nextTick(callback, new UpstreamSocketsError(), null);
      return;
    }
    connect(options, (...[error, socket]) => {
      if (error !== null) {
        taken.release();
        callback(error, null);
        return;
      }
      taken.releaseOnClose(socket);
      callback(null, socket);
    });
  };
}

function originOf({ host, port }: Backend): string {
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}
