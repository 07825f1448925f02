import {
  type HttpRoute,
  type RouteCandidate,
  type RouteMatch,
  routesInPrecedence,
  type StringMatch,
} from '@pulseplane/projection/gateway';
import { RE2JS } from 're2js';

/** One hostname and one match of a route, ready to compare. */
export type RouteEntry = {
  readonly route: HttpRoute;
  /** Empty: every host. */
  readonly hostname: string;
  readonly path: { readonly type: RouteMatch['path']['type']; readonly value: string; readonly regex?: RE2JS };
  readonly method?: string;
  readonly headers: readonly { readonly name: string; readonly exact?: string; readonly regex?: RE2JS }[];
};

/** The matches of all routes, for each listener, in precedence: the first that matches a request wins. */
export function compileRoutes(routes: readonly HttpRoute[]): ReadonlyMap<string, readonly RouteEntry[]> {
  return new Map(
    [...routesInPrecedence(routes)].map(([listener, candidates]) => [listener, candidates.map(compileCandidate)]),
  );
}

/**
 * A regular expression, whose `matches` wants the whole string, as agentgateway reads it. RE2, because what a client sends
 * can make a RegExp search for minutes, and all connections wait. Throws on bad syntax.
 */
export function wholeMatch(pattern: string): RE2JS {
  return RE2JS.compile(pattern);
}

function compileCandidate({ route, hostname, match }: RouteCandidate): RouteEntry {
  return {
    route,
    hostname,
    path: { ...match.path, ...(match.path.type === 'regex' && { regex: wholeMatch(match.path.value) }) },
    ...(match.method !== undefined && { method: match.method }),
    headers: match.headers.map((header) => ({ name: header.name.toLowerCase(), ...compileString(header.match) })),
  };
}

function compileString(match: StringMatch): { exact: string } | { regex: RE2JS } {
  return match.type === 'exact' ? { exact: match.value } : { regex: wholeMatch(match.value) };
}
