import { hostnameMatches, hostnameRank, type Listener, type RouteCandidate } from '@pulseplane/projection/gateway';

/** The routes for one host name, in the order in which they are tried, and the listener that they are on. */
export type HostRoutes = {
  /** `*` is every host that no other has. */
  readonly domain: string;
  readonly listener: Listener;
  readonly candidates: readonly RouteCandidate[];
};

/**
 * What a port serves, by domain. Gateway API first picks the listener, by the most specific hostname, and then tries all
 * routes on it; Envoy picks one virtual host, by the most specific domain. So each domain, of a listener or of a route,
 * gets every route of its listener whose hostname covers it.
 */
export function hostRoutes(
  listeners: readonly Listener[],
  routesOf: (listener: Listener) => readonly RouteCandidate[],
): readonly HostRoutes[] {
  const http = listeners.filter(({ protocol }) => protocol === 'http');
  const domains = http.flatMap((listener) => [
    toDomain(listener.hostname),
    ...routesOf(listener).map(({ hostname }) => toDomain(hostname)),
  ]);
  return [...new Set(domains)].sort().flatMap((domain) => {
    const listener = mostSpecific(http.filter(({ hostname }) => covers(hostname.toLowerCase(), domain)));
    if (listener === undefined) return [];
    return [{ domain, listener, candidates: routesOf(listener).filter(({ hostname }) => covers(hostname, domain)) }];
  });
}

function toDomain(hostname: string): string {
  return hostname === '' ? '*' : hostname.toLowerCase();
}

/** Whether a pattern matches every host that a domain matches. */
function covers(pattern: string, domain: string): boolean {
  return toDomain(pattern) === domain || hostnameMatches(pattern, domain);
}

function mostSpecific(listeners: readonly Listener[]): Listener | undefined {
  return listeners.reduce<Listener | undefined>(
    (best, listener) =>
      best === undefined || hostnameRank(listener.hostname) > hostnameRank(best.hostname) ? listener : best,
    undefined,
  );
}
