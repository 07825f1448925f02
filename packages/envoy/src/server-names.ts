import { hostnameRank, type Listener, type TcpRoute } from '@pulseplane/projection/gateway';
import { covers, mostSpecific, toDomain } from './virtual-hosts.ts';

/** The route for one server name, and the listener that it is on. */
export type NameRoute = {
  /** `*` is every name that no other has, and none. */
  readonly domain: string;
  readonly listener: Listener;
  readonly route: TcpRoute | undefined;
};

/**
 * What a port of TLS that passes through serves, by domain. Our own workers first pick the listener, by the most
 * specific hostname, and then of its routes the one with the most specific; Envoy picks one filter chain, by the most
 * specific domain. So each domain, of a listener or of a route, says where it goes.
 */
export function nameRoutes(
  listeners: readonly Listener[],
  routesOf: (listener: Listener) => readonly TcpRoute[],
): readonly NameRoute[] {
  const tls = listeners.filter(({ protocol }) => protocol === 'tls');
  const domains = tls.flatMap((listener) => [
    toDomain(listener.hostname),
    ...routesOf(listener).flatMap(({ hostnames }) => hostnames.map(toDomain)),
  ]);
  return [...new Set(domains)].sort().flatMap((domain) => {
    const listener = mostSpecific(tls.filter(({ hostname }) => covers(hostname.toLowerCase(), domain)));
    return listener === undefined ? [] : [{ domain, listener, route: pickRoute(routesOf(listener), domain) }];
  });
}

/** The route with the most specific hostname over a domain; the first of those alike. */
function pickRoute(routes: readonly TcpRoute[], domain: string): TcpRoute | undefined {
  let best: TcpRoute | undefined;
  let bestRank = -1;
  for (const route of routes) {
    const hostnames = route.hostnames.length === 0 ? [''] : route.hostnames.map((hostname) => hostname.toLowerCase());
    const rank = Math.max(-1, ...hostnames.filter((hostname) => covers(hostname, domain)).map(hostnameRank));
    if (rank > bestRank) [best, bestRank] = [route, rank];
  }
  return best;
}
