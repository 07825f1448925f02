import type { HttpRouteSpec, StoredObject } from '@pulseplane/resources';
import { specOf } from './typed-object.ts';

/** The kinds of routes. */
export const ROUTE_KINDS = ['HTTPRoute', 'TCPRoute', 'TLSRoute'] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

export type ParentRef = NonNullable<HttpRouteSpec['parentRefs']>[number];

export function isRouteKind(kind: string): kind is RouteKind {
  return (ROUTE_KINDS as readonly string[]).includes(kind);
}

/** The parents that a route of any kind names. */
export function parentRefsOf(route: StoredObject): readonly ParentRef[] {
  return specOf('HTTPRoute', route).parentRefs ?? [];
}

/** The host names of a route of any kind; empty: whatever its listeners serve. */
export function hostnamesOf(route: StoredObject): readonly string[] {
  return specOf('HTTPRoute', route).hostnames ?? [];
}

/** The backends that a route of any kind names, with their namespaces. */
export function backendRefsOf(route: StoredObject): readonly { readonly namespace: string; readonly name: string }[] {
  const rules = specOf('HTTPRoute', route).rules ?? [];
  return rules.flatMap(({ backendRefs = [] }) =>
    backendRefs.map(({ namespace = route.ref.namespace, name }) => ({ namespace, name })),
  );
}
