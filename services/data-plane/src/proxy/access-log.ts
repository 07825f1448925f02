import type { Logger } from '@pulseplane/telemetry';
import type { Connection } from '../connection/connection.ts';
import type { UpstreamPath } from '../tables/upstream-path.ts';
import type { Exchange } from './exchange.ts';

/** One line for each request, when it is over. */
export type AccessLog = {
  started(connection: Connection, exchange: Exchange): void;
  /** Where it goes; one that is refused goes nowhere. */
  routed(exchange: Exchange, path: UpstreamPath): void;
};

export function createAccessLog(logger: Pick<Logger, 'info'>): AccessLog {
  const paths = new WeakMap<Exchange, UpstreamPath>();
  return {
    started(connection, exchange) {
      const startedAt = performance.now();
      exchange.onClosed(() => {
        const path = paths.get(exchange);
        const fields = {
          connection: connection.id,
          peer: connection.peer,
          protocol: connection.protocol,
          listener: connection.listenerKey,
          method: exchange.method,
          host: exchange.authority,
          // What follows may hold secrets.
          path: exchange.target.split('?', 1)[0],
          route: path && `${path.route.kind} ${path.route.namespace}/${path.route.name}`,
          backend: path?.backendKey,
          // None: the client went before.
          status: exchange.status,
          isWhole: exchange.isAnswered,
          durationMs: Math.round(performance.now() - startedAt),
        };
        logger.info(fields, 'request');
      });
    },
    routed: (exchange, path) => void paths.set(exchange, path),
  };
}
