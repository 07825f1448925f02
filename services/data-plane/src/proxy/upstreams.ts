import type { Backend } from '@pulseplane/projection/gateway';
import { type Dispatcher, Pool } from 'undici';

/** Pooled HTTP/1.1 connections to backends. */
export type Upstreams = {
  pool(backend: Backend): Dispatcher;
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

export function createUpstreams(options: UpstreamOptions = {}): Upstreams {
  const pools = new Map<string, Pool>();
  return {
    pool(backend) {
      const origin = originOf(backend);
      let pool = pools.get(origin);
      if (pool === undefined) {
        pool = new Pool(origin, {
          pipelining: 1,
          allowH2: false,
          connect: { timeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS },
          headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
          // A stream may be silent for as long as its two ends like.
          bodyTimeout: 0,
          maxHeaderSize: MAX_HEADER_BYTES,
        });
        pools.set(origin, pool);
      }
      return pool;
    },
    prune(backends) {
      const wanted = new Set([...backends].map(originOf));
      for (const [origin, pool] of pools) {
        if (wanted.has(origin)) continue;
        pools.delete(origin);
        // Fails only when it is closed already, which is what is wanted.
        pool.close().catch(() => undefined);
      }
    },
    async close() {
      const closing = [...pools.values()].map((pool) => pool.destroy());
      pools.clear();
      await Promise.allSettled(closing);
    },
  };
}

function originOf({ host, port }: Backend): string {
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}
