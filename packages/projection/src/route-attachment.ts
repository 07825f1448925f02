import { GATEWAY_GROUP, type HttpRouteSpec, type StoredObject, type TcpRouteSpec } from '@pulseplane/resources';
import { conflictingListeners, type GatewayListener } from './listener-conflict.ts';
import { gatewayRef, specOf } from './typed-object.ts';
import type { World } from './world.ts';

type RouteKind = 'HTTPRoute' | 'TCPRoute';
type ParentRef = NonNullable<HttpRouteSpec['parentRefs'] | TcpRouteSpec['parentRefs']>[number];

/** What one parentRef of a route came to. */
export type ParentAttachment =
  | {
      readonly kind: 'attached';
      readonly parentRef: ParentRef;
      readonly gateway: StoredObject;
      readonly listeners: readonly GatewayListener[];
    }
  | {
      readonly kind: 'refused';
      readonly parentRef: ParentRef;
      /** A reason of Gateway API's route condition Accepted. */
      readonly reason: 'NoMatchingParent' | 'NotAllowedByListeners' | 'NoMatchingListenerHostname';
      readonly message: string;
    };

const LISTENER_PROTOCOL = { HTTPRoute: 'HTTP', TCPRoute: 'TCP' } as const;

/** Where a route attaches: for each of its parentRefs the listeners, or the reason why there is none. */
export function routeAttachments(world: World, route: StoredObject): readonly ParentAttachment[] {
  const kind = route.ref.kind === 'TCPRoute' ? 'TCPRoute' : 'HTTPRoute';
  return (specOf(kind, route).parentRefs ?? []).map((parentRef) => attach(world, kind, route, parentRef));
}

function attach(world: World, kind: RouteKind, route: StoredObject, parentRef: ParentRef): ParentAttachment {
  const refuse = (
    reason: Extract<ParentAttachment, { kind: 'refused' }>['reason'],
    message: string,
  ): ParentAttachment => ({ kind: 'refused', parentRef, reason, message });
  const namespace = parentRef.namespace ?? route.ref.namespace;
  const gateway = world.get(gatewayRef(namespace, parentRef.name));
  if (gateway === undefined) return refuse('NoMatchingParent', `Gateway ${namespace}/${parentRef.name} not found`);
  const { listeners: all } = specOf('Gateway', gateway);
  const conflicts = conflictingListeners(all);
  const named = all.filter(
    (listener) =>
      (parentRef.sectionName ?? listener.name) === listener.name && (parentRef.port ?? listener.port) === listener.port,
  );
  if (named.length === 0) return refuse('NoMatchingParent', 'no listener of the Gateway has that sectionName and port');
  const allowed = named.filter(
    (listener) =>
      listener.protocol === LISTENER_PROTOCOL[kind] &&
      !conflicts.has(listener) &&
      (namespace === route.ref.namespace || listener.allowedRoutes?.namespaces?.from === 'All'),
  );
  if (allowed.length === 0) {
    return refuse('NotAllowedByListeners', `no listener takes a ${kind} from namespace ${route.ref.namespace}`);
  }
  const listeners = allowed.filter((listener) => servedHostnames(route, listener) !== undefined);
  if (listeners.length === 0) return refuse('NoMatchingListenerHostname', 'no listener serves a hostname of the route');
  return { kind: 'attached', parentRef, gateway, listeners };
}

/** The hostnames that a route serves on a listener; empty: whatever the listener serves; undefined: none. */
export function servedHostnames(route: StoredObject, listener: GatewayListener): readonly string[] | undefined {
  const hostnames = route.ref.kind === 'HTTPRoute' ? (specOf('HTTPRoute', route).hostnames ?? []) : [];
  if (hostnames.length === 0) return [];
  const served = hostnames.flatMap((hostname) => intersect(hostname, listener.hostname ?? '') ?? []);
  return served.length === 0 ? undefined : served;
}

/** The more specific of two hostnames that overlap, as Gateway API has it; undefined when they do not. */
function intersect(route: string, listener: string): string | undefined {
  if (listener === '' || route === listener) return route;
  if (listener.startsWith('*.') && route.endsWith(listener.slice(1))) return route;
  if (route.startsWith('*.') && listener.endsWith(route.slice(1))) return listener;
  return undefined;
}

/** The routes of a kind that name a gateway as parent, with their attachments to it. */
export function* routesOf(
  world: World,
  kind: RouteKind,
  gateway: StoredObject,
): Generator<{ readonly route: StoredObject; readonly listeners: readonly GatewayListener[] }> {
  for (const route of world.list(GATEWAY_GROUP, kind)) {
    const listeners = new Map<string, GatewayListener>();
    for (const attachment of routeAttachments(world, route)) {
      if (attachment.kind !== 'attached' || attachment.gateway !== gateway) continue;
      for (const listener of attachment.listeners) listeners.set(listener.name, listener);
    }
    if (listeners.size > 0) yield { route, listeners: [...listeners.values()] };
  }
}
