import type { HttpRoute, RouteMatch, StringMatch } from '@pulseplane/projection/gateway';
import { hostnameRank } from './hostname.ts';

/** One hostname and one match of a route, ready to compare. */
export type RouteEntry = {
  readonly route: HttpRoute;
  /** Empty: every host. */
  readonly hostname: string;
  readonly path: { readonly type: RouteMatch['path']['type']; readonly value: string; readonly regex?: RegExp };
  readonly method?: string;
  readonly headers: readonly { readonly name: string; readonly exact?: string; readonly regex?: RegExp }[];
};

const PATH_RANK = { exact: 2, prefix: 1, regex: 0 } as const;

/**
 * Lays out the matches of all routes, for each listener, in Gateway API precedence: the more specific hostname, an
 * exact path, the longest prefix, a regular expression; a method; more headers; then the route's key and the order
 * of its matches. The first that matches a request wins.
 */
export function compileRoutes(routes: readonly HttpRoute[]): ReadonlyMap<string, readonly RouteEntry[]> {
  const byListener = new Map<string, RouteEntry[]>();
  for (const route of routes) {
    const entries = byListener.get(route.listenerKey) ?? [];
    byListener.set(route.listenerKey, entries);
    for (const hostname of route.hostnames.length === 0 ? [''] : route.hostnames) {
      for (const match of route.matches) entries.push(compileMatch(route, hostname.toLowerCase(), match));
    }
  }
  for (const entries of byListener.values()) entries.sort(compareEntries);
  return byListener;
}

/** A regular expression that must match the whole string, as agentgateway reads it. Throws on bad syntax. */
export function wholeMatch(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 'u');
}

function compileMatch(route: HttpRoute, hostname: string, match: RouteMatch): RouteEntry {
  return {
    route,
    hostname,
    path: { ...match.path, ...(match.path.type === 'regex' && { regex: wholeMatch(match.path.value) }) },
    ...(match.method !== undefined && { method: match.method }),
    headers: match.headers.map((header) => ({ name: header.name.toLowerCase(), ...compileString(header.match) })),
  };
}

function compileString(match: StringMatch): { exact: string } | { regex: RegExp } {
  return match.type === 'exact' ? { exact: match.value } : { regex: wholeMatch(match.value) };
}

function compareEntries(a: RouteEntry, b: RouteEntry): number {
  return (
    hostnameRank(b.hostname) - hostnameRank(a.hostname) ||
    PATH_RANK[b.path.type] - PATH_RANK[a.path.type] ||
    b.path.value.length - a.path.value.length ||
    Number(b.method !== undefined) - Number(a.method !== undefined) ||
    b.headers.length - a.headers.length ||
    (a.route.key < b.route.key ? -1 : a.route.key > b.route.key ? 1 : 0)
  );
}
