import {
  type Backend,
  type BackendTarget,
  type EffectiveBackend,
  effectiveBackend,
  type HttpRoute,
  type Listener,
  resourceName,
  type TcpRoute,
  winningSection,
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
  readonly sources: readonly string[];
};

/** What is spoken on the way, and what the port that it begins at says of it. */
type Front =
  | { readonly protocol: 'http'; readonly preserveCase: boolean }
  /** The cluster's name says nothing of the route: another backend leaves the Listener, and what is open there, alone. */
  | { readonly protocol: 'tcp'; readonly clusterName: string };

/** The upstream at the end of a way; undefined when there is no such backend. */
export function upstreamOf(
  { backends, backendPolicies }: Configuration,
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
    const source = winningSection(backendPolicies, path, section)?.source;
    return source !== undefined && 'policy' in source ? [{ section, policy: source.policy }] : [];
  });
  const sources = [backend, ...winners.map(({ policy }) => policy)].map(resourceName);
  if (front.protocol === 'tcp') return { ...front, backend, settings, preserveCase: false, sources };
  const preserveCase = front.preserveCase && settings.http.version === 'http1';
  const clusterName = [
    backend.key,
    ...winners.flatMap(({ section, policy }) => {
      const place = placeOf(policy.target);
      return place === undefined ? [] : `${section}=${place}`;
    }),
    ...(preserveCase ? ['preserve-case'] : []),
  ].join('+');
  return { clusterName, backend, settings, protocol: 'http', preserveCase, sources };
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
