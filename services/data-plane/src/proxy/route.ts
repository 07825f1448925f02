import {
  type Bind,
  carriesHttp,
  carriesTls,
  type HttpRoute,
  hostnameMatches,
  hostnameRank,
  type Listener,
  type ListenerProtocol,
  type TcpRoute,
  type WeightedBackend,
} from '@pulseplane/projection/gateway';
import { hostOf } from '../tables/hostname.ts';
import type { RouteEntry } from '../tables/route-entry.ts';
import type { Tables } from '../tables/tables.ts';
import { headerValue } from './headers.ts';

/** What of a request decides where it goes. */
export type RoutedRequest = {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: readonly string[];
};

export type HttpRouting =
  | { readonly kind: 'no_listener' }
  | { readonly kind: 'no_route'; readonly listener: Listener }
  | { readonly kind: 'route'; readonly listener: Listener; readonly route: HttpRoute };

/** The listener that speaks HTTP, with or without TLS, with the most specific hostname, then the first route in precedence that matches. */
export function routeHttp(tables: Tables, bind: Bind, request: RoutedRequest): HttpRouting {
  const host = hostOf(request.authority);
  const listener = pickListener(tables, bind, carriesHttp, host);
  if (listener === undefined) return { kind: 'no_listener' };
  const query = request.target.indexOf('?');
  const path = query === -1 ? request.target : request.target.slice(0, query);
  const entry = tables.routeEntriesByListener
    .get(listener.key)
    ?.find((candidate) => matches(candidate, host, path, request));
  return entry === undefined ? { kind: 'no_route', listener } : { kind: 'route', listener, route: entry.route };
}

/** Where the bytes of a connection go; without a route nowhere. */
export type TcpRouting = { readonly listener: Listener | undefined; readonly route: TcpRoute | undefined };

/** The TCP listener of a port and its route; the first by key, because bytes say nothing about where they go. */
export function routeTcp(tables: Tables, bind: Bind): TcpRouting {
  const listener = tables.listenersByBind.get(bind.key)?.find(({ protocol }) => protocol === 'tcp');
  return { listener, route: listener && tables.tcpRoutesByListener.get(listener.key)?.[0] };
}

/**
 * The listener of a port of TLS with the most specific hostname, the first by key of those alike.
 *
 * @param serverName empty for a client that names none: only what serves every host is for it
 */
export function listenerForName(tables: Tables, bind: Bind, serverName: string): Listener | undefined {
  return pickListener(tables, bind, carriesTls, serverName);
}

/** Of the routes of a TLS listener the one with the most specific hostname, the first by key of those alike. */
export function routeTls(tables: Tables, listener: Listener | undefined, serverName: string): TcpRouting {
  const routes = (listener && tables.tcpRoutesByListener.get(listener.key)) ?? [];
  const rankOf = ({ hostnames }: TcpRoute) =>
    hostnames.length === 0 ? 0 : Math.max(...hostnames.map((hostname) => rankFor(serverName, hostname)));
  return { listener, route: mostSpecific(routes, rankOf) };
}

/**
 * Draws a backend by weight.
 *
 * @param random 0 to below 1
 */
export function pickBackend(backends: readonly WeightedBackend[], random: number): string | undefined {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return undefined;
  let left = random * total;
  for (const { backendKey, weight } of backends) {
    left -= weight;
    if (left < 0) return backendKey;
  }
  return undefined;
}

/** The first of those with the highest rank; below 0 is out. */
function mostSpecific<Item>(items: readonly Item[], rankOf: (item: Item) => number): Item | undefined {
  let best: Item | undefined;
  let bestRank = -1;
  for (const item of items) {
    const rank = rankOf(item);
    if (rank > bestRank) [best, bestRank] = [item, rank];
  }
  return best;
}

function pickListener(
  { listenersByBind }: Tables,
  bind: Bind,
  speaks: (protocol: ListenerProtocol) => boolean,
  host: string,
): Listener | undefined {
  return mostSpecific(listenersByBind.get(bind.key) ?? [], (listener) =>
    speaks(listener.protocol) ? rankFor(host, listener.hostname) : -1,
  );
}

function rankFor(host: string, hostname: string): number {
  return hostnameMatches(hostname.toLowerCase(), host) ? hostnameRank(hostname) : -1;
}

function matches(entry: RouteEntry, host: string, path: string, request: RoutedRequest): boolean {
  return (
    hostnameMatches(entry.hostname, host) &&
    pathMatches(entry.path, path) &&
    (entry.method === undefined || entry.method === request.method) &&
    entry.headers.every(({ name, exact, regex }) => {
      const value = headerValue(request.headers, name);
      return value !== undefined && (regex === undefined ? value === exact : regex.matches(value));
    })
  );
}

function pathMatches(match: RouteEntry['path'], path: string): boolean {
  switch (match.type) {
    case 'exact':
      return path === match.value;
    case 'prefix': {
      // Whole path elements: /foo matches /foo and /foo/bar, not /foobar.
      const prefix = match.value.endsWith('/') ? match.value.slice(0, -1) : match.value;
      return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/');
    }
    case 'regex':
      return match.regex?.matches(path) === true;
    default:
      match.type satisfies never;
      return false;
  }
}
