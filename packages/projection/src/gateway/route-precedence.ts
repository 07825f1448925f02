import { hostnameRank } from './hostname.ts';
import type { HttpRoute, RouteMatch } from './resource.ts';

/** One hostname and one match of a route. */
export type RouteCandidate = {
  readonly route: HttpRoute;
  /** Lower case. Empty: every host. */
  readonly hostname: string;
  readonly match: RouteMatch;
};

const PATH_RANK = { exact: 2, prefix: 1, regex: 0 } as const;

/**
 * Lays out the matches of all routes, for each listener by its key, in Gateway API precedence: the more specific
 * hostname, an exact path, the longest prefix, a regular expression; a method; more headers; then the route's key and
 * the order of its matches. The first that matches a request wins.
 */
export function routesInPrecedence(routes: readonly HttpRoute[]): ReadonlyMap<string, readonly RouteCandidate[]> {
  const byListener = new Map<string, RouteCandidate[]>();
  for (const route of routes) {
    const candidates = byListener.get(route.listenerKey) ?? [];
    byListener.set(route.listenerKey, candidates);
    for (const hostname of route.hostnames.length === 0 ? [''] : route.hostnames) {
      for (const match of route.matches) candidates.push({ route, hostname: hostname.toLowerCase(), match });
    }
  }
  for (const candidates of byListener.values()) candidates.sort(compareCandidates);
  return byListener;
}

function compareCandidates(a: RouteCandidate, b: RouteCandidate): number {
  const [{ path, method, headers }, other] = [a.match, b.match];
  return (
    hostnameRank(b.hostname) - hostnameRank(a.hostname) ||
    PATH_RANK[other.path.type] - PATH_RANK[path.type] ||
    other.path.value.length - path.value.length ||
    Number(other.method !== undefined) - Number(method !== undefined) ||
    other.headers.length - headers.length ||
    (a.route.key < b.route.key ? -1 : a.route.key > b.route.key ? 1 : 0)
  );
}
