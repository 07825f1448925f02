import {
  type Backend,
  type BackendTarget,
  type EffectiveBackend,
  effectiveBackend,
  type HttpRoute,
  type Listener,
  resourceName,
  type TcpRoute,
} from '@pulseplane/projection/gateway';
import type { Configuration } from './configuration.ts';

/** A backend with the settings in force on a way to it. */
export type Upstream = {
  readonly clusterName: string;
  readonly backend: Backend;
  readonly settings: EffectiveBackend;
  readonly protocol: 'http' | 'tcp';
  /** HTTP/1 header names keep the case in which they came. */
  readonly preserveCase: boolean;
  /** The gateway resources that its cluster says something of. */
  readonly sources: readonly string[];
  /** Those that the routes to it say something of. */
  readonly routeSources: readonly string[];
};

/** What is spoken on the way, and what the port that it begins at says of it. */
type Front =
  /** `casePolicy` is the name of the policy by which HTTP/1 header names keep their case; none, they do not. */
  | { readonly protocol: 'http'; readonly casePolicy: string | undefined }
  /** The cluster's name says nothing of the route: another backend leaves the Listener, and what is open there, alone. */
  | { readonly protocol: 'tcp'; readonly clusterName: string };

/** The upstream at the end of a way; undefined when there is no such backend. */
export function upstreamOf(
  { backends, backendPolicies, policyByKey }: Configuration,
  { gateway, listenerName }: Listener,
  { name: route }: HttpRoute | TcpRoute,
  backendKey: string,
  front: Front,
): Upstream | undefined {
  const backend = backends.get(backendKey);
  if (backend === undefined) return undefined;
  const path = { gateway, listener: listenerName, route, backend };
  const settings = effectiveBackend(backendPolicies, path);
  const winners = (['tcp', 'http'] as const).flatMap((section) => {
    const policy = policyByKey.get(settings[section].source ?? '');
    return policy !== undefined && 'backend' in policy ? [{ section, policy }] : [];
  });
  const sources = [backend, ...winners.map(({ policy }) => policy)].map(resourceName);
  if (front.protocol === 'tcp') {
    const { protocol, clusterName } = front;
    return { protocol, clusterName, backend, settings, preserveCase: false, sources, routeSources: [] };
  }
  const preserveCase = front.casePolicy !== undefined && settings.http.version === 'http1';
  const clusterName = [
    backend.key,
    ...winners.flatMap(({ section, policy }) => {
      const place = placeOf(policy.target);
      return place === undefined ? [] : `${section}=${place}`;
    }),
    ...(preserveCase ? ['preserve-case'] : []),
  ].join('+');
  if (front.casePolicy !== undefined && preserveCase) sources.push(front.casePolicy);
  // A route says where it leads, and for how long an answer is waited for.
  const timeouts =
    settings.http.requestTimeoutMs === undefined ? [] : winners.filter(({ section }) => section === 'http');
  const routeSources = [resourceName(backend), ...timeouts.map(({ policy }) => resourceName(policy))];
  return { clusterName, backend, settings, protocol: 'http', preserveCase, sources, routeSources };
}

/**
 * What tells the ways to one backend apart, so that ways with the same settings share connections and a change of values
 * renames nothing: the place of a policy that holds for some of them only.
 */
function placeOf(target: BackendTarget): string | undefined {
  if ('backend' in target) return undefined;
  if ('gateway' in target) return target.listener === undefined ? undefined : `listener/${target.listener}`;
  const { kind, namespace, name, ruleName } = target.route;
  return [kind, namespace, name, ...(ruleName === undefined ? [] : [ruleName])].join('/');
}
