import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Listener, RouteCandidate, RouteMatch, StringMatch } from '@pulseplane/projection/gateway';
import {
  RouteAction_ClusterNotFoundResponseCode,
  type RouteMatchSchema,
  RouteSchema,
  type StringMatcherSchema,
} from '@pulseplane/wire/envoy';
import type { Configuration } from './configuration.ts';
import { EncodedOnce } from './encoded-once.ts';
import { duration } from './envoy-resource.ts';
import { re2Fault } from './regular-expression.ts';
import { type Upstream, upstreamOf } from './upstream.ts';

type Message = MessageInitShape<typeof RouteSchema>;

/** A backend's share of a rule's requests; without an upstream they are answered with 500. */
export type Share = { readonly weight: number; readonly clusterName: string; readonly upstream: Upstream | undefined };

/** The backends that get requests, with their weights. A cluster that is named and does not exist answers with 500. */
export function sharesOf(
  configuration: Configuration,
  on: Listener,
  { route }: RouteCandidate,
  casePolicy: string | undefined,
): readonly Share[] {
  return route.backends
    .filter(({ weight }) => weight > 0)
    .map(({ backendKey, weight }) => {
      const upstream = upstreamOf(configuration, on, route, backendKey, { protocol: 'http', casePolicy });
      return { weight, upstream, clusterName: upstream?.clusterName ?? (backendKey || 'no-backend') };
    });
}

/** Why Envoy cannot match what a match says; undefined when it can. */
export function matchFault({ path, headers }: RouteMatch): string | undefined {
  for (const { type, value } of [path, ...headers.map(({ match }) => match)]) {
    const fault = type === 'regex' ? re2Fault(value) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const ROUTES = new EncodedOnce<RouteMatch>();

/** A Route, encoded. */
export function httpRoute({ route, match }: RouteCandidate, shares: readonly Share[]): Uint8Array {
  const requestTimeoutMs = longestTimeout(shares);
  const clusters = shares.map(({ clusterName, weight }) => [clusterName, weight]);
  return ROUTES.of(match, JSON.stringify([route.key, requestTimeoutMs, clusters]), () =>
    toBinary(RouteSchema, create(RouteSchema, toMessage(route.key, match, shares, requestTimeoutMs))),
  );
}

function toMessage(
  name: string,
  match: RouteMatch,
  shares: readonly Share[],
  requestTimeoutMs: number | undefined,
): Message {
  const head = { name, match: toMatch(match) };
  if (shares.length === 0) return { ...head, action: { case: 'directResponse', value: { status: 500 } } };
  return {
    ...head,
    action: {
      case: 'route',
      value: {
        clusterSpecifier: toClusters(shares),
        clusterNotFoundResponseCode: RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR,
        // Envoy's own 15 s for a whole answer would cut long ones.
        timeout: duration(0),
        // The wait for the answer's beginning. Nothing is tried again.
        ...(requestTimeoutMs !== undefined && { retryPolicy: { perTryTimeout: duration(requestTimeoutMs) } }),
      },
    },
  };
}

/** Envoy has one timeout for a rule, whichever backend is drawn: the longest. */
export function longestTimeout(shares: readonly Share[]): number | undefined {
  const timeouts = shares.map(({ upstream }) => upstream?.settings.http.requestTimeoutMs);
  const known = timeouts.filter((timeout) => timeout !== undefined);
  return known.length === 0 || known.length < timeouts.length ? undefined : Math.max(...known);
}

type Action = Extract<NonNullable<Message['action']>, { case: 'route' }>['value'];

export function toClusters(shares: readonly Share[]): NonNullable<Action['clusterSpecifier']> {
  const [only, ...others] = shares;
  if (only !== undefined && others.length === 0) return { case: 'cluster', value: only.clusterName };
  const clusters = shares.map(({ clusterName, weight }) => ({ name: clusterName, weight }));
  return { case: 'weightedClusters', value: { clusters } };
}

export function toMatch({ path, headers, method }: RouteMatch): MessageInitShape<typeof RouteMatchSchema> {
  return {
    pathSpecifier: toPath(path),
    headers: [
      ...(method === undefined ? [] : [toHeader(':method', { type: 'exact', value: method })]),
      ...headers.map(({ name, match }) => toHeader(name.toLowerCase(), match)),
    ],
  };
}

function toPath({
  type,
  value,
}: RouteMatch['path']): NonNullable<MessageInitShape<typeof RouteMatchSchema>['pathSpecifier']> {
  if (type === 'exact') return { case: 'path', value };
  if (type === 'regex') return { case: 'safeRegex', value: { regex: value } };
  const prefix = value.endsWith('/') ? value.slice(0, -1) : value;
  return prefix === '' ? { case: 'prefix', value: '/' } : { case: 'pathSeparatedPrefix', value: prefix };
}

function toHeader(name: string, match: StringMatch) {
  return { name, headerMatchSpecifier: { case: 'stringMatch' as const, value: toStringMatcher(match) } };
}

function toStringMatcher({ type, value }: StringMatch): MessageInitShape<typeof StringMatcherSchema> {
  return type === 'exact'
    ? { matchPattern: { case: 'exact', value } }
    : { matchPattern: { case: 'safeRegex', value: { regex: value } } };
}
