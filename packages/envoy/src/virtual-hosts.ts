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
  const byHostname = new Map(http.map((listener) => [listener, groupByHostname(routesOf(listener))]));
  const domains = http.flatMap((listener) => [
    toDomain(listener.hostname),
    ...[...(byHostname.get(listener)?.keys() ?? [])].map(toDomain),
  ]);
  return [...new Set(domains)].sort().flatMap((domain) => {
    const listener = mostSpecific(http.filter(({ hostname }) => covers(hostname.toLowerCase(), domain)));
    if (listener === undefined) return [];
    const candidates = patternsOver(domain).flatMap((pattern) => byHostname.get(listener)?.get(pattern) ?? []);
    return [{ domain, listener, candidates }];
  });
}

/** In their order, which has the more specific hostname first. */
function groupByHostname(candidates: readonly RouteCandidate[]): ReadonlyMap<string, readonly RouteCandidate[]> {
  const groups = new Map<string, RouteCandidate[]>();
  for (const candidate of candidates) {
    const group = groups.get(candidate.hostname);
    if (group === undefined) groups.set(candidate.hostname, [candidate]);
    else group.push(candidate);
  }
  return groups;
}

/** Every pattern that covers a domain, the most specific first: itself, `*.` before each of its ends, every host. */
function patternsOver(domain: string): readonly string[] {
  if (domain === '*') return ['', '*'];
  const labels = domain.split('.');
  return [domain, ...labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`), '', '*'].filter(
    (pattern, index, all) => all.indexOf(pattern) === index,
  );
}

/** `*` for every host. */
export function toDomain(hostname: string): string {
  return hostname === '' ? '*' : hostname.toLowerCase();
}

/** Whether a pattern matches every host that a domain matches. */
export function covers(pattern: string, domain: string): boolean {
  return toDomain(pattern) === domain || hostnameMatches(pattern, domain);
}

/** The first of those with the most specific hostname. */
export function mostSpecific(listeners: readonly Listener[]): Listener | undefined {
  return listeners.reduce<Listener | undefined>(
    (best, listener) =>
      best === undefined || hostnameRank(listener.hostname) > hostnameRank(best.hostname) ? listener : best,
    undefined,
  );
}
