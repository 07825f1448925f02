import type { StoredObject } from '@pulseplane/resources';
import { ownerOf } from './gateway-class.ts';
import { type GatewayListener, listenerFaults, routeKindOf } from './listener-fault.ts';
import type { ParentRef } from './route-object.ts';
import { gatewayRef, specOf } from './typed-object.ts';
import type { RouteEntry } from './world/route-index.ts';
import type { World } from './world/world.ts';

/** The part of a route that decides where it attaches. */
type Route = Pick<RouteEntry, 'ref' | 'parentRefs' | 'hostnames'>;

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

/**
 * Where a route attaches: for each of its parentRefs the listeners, or the reason why there is none. Of a gateway that
 * is not ours there is nothing to say.
 */
export function routeAttachments(world: World, route: Route): readonly ParentAttachment[] {
  return route.parentRefs.flatMap((parentRef): readonly ParentAttachment[] => {
    const { namespace = route.ref.namespace, name } = parentRef;
    const gateway = world.object(gatewayRef(namespace, name));
    if (gateway === undefined) {
      const message = `Gateway ${namespace}/${name} not found`;
      return [{ kind: 'refused', parentRef, reason: 'NoMatchingParent', message }];
    }
    return ownerOf(world, gateway) === 'ours' ? [attach(route, parentRef, gateway)] : [];
  });
}

function attach(route: Route, parentRef: ParentRef, gateway: StoredObject): ParentAttachment {
  const refuse = (
    reason: Extract<ParentAttachment, { kind: 'refused' }>['reason'],
    message: string,
  ): ParentAttachment => ({ kind: 'refused', parentRef, reason, message });
  const { kind, namespace } = route.ref;
  const { listeners: all } = specOf('Gateway', gateway);
  const faults = listenerFaults(all);
  const named = all.filter(
    (listener) =>
      (parentRef.sectionName ?? listener.name) === listener.name && (parentRef.port ?? listener.port) === listener.port,
  );
  if (named.length === 0) return refuse('NoMatchingParent', 'no listener of the Gateway has that sectionName and port');
  const allowed = named.filter(
    (listener) =>
      routeKindOf(listener) === kind &&
      !faults.has(listener) &&
      (gateway.ref.namespace === namespace || listener.allowedRoutes?.namespaces?.from === 'All'),
  );
  if (allowed.length === 0) {
    return refuse('NotAllowedByListeners', notAllowed(route.ref, parentRef, named));
  }
  const listeners = allowed.filter((listener) => servedHostnames(route, listener) !== undefined);
  if (listeners.length === 0) return refuse('NoMatchingListenerHostname', 'no listener serves a hostname of the route');
  return { kind: 'attached', parentRef, gateway, listeners };
}

/** Why none of the listeners that a parentRef names takes the route: what they speak, else where it comes from. */
function notAllowed(
  { kind, namespace }: Route['ref'],
  { sectionName }: ParentRef,
  named: readonly GatewayListener[],
): string {
  if (named.some((listener) => routeKindOf(listener) === kind)) {
    return `no listener takes ${kind === 'HTTPRoute' ? 'an' : 'a'} ${kind} from namespace ${namespace}`;
  }
  const protocols = [...new Set(named.map(({ protocol }) => protocol))].join(' and ');
  const who = sectionName === undefined ? 'the listeners speak' : `listener ${sectionName} speaks`;
  return `${who} ${protocols}, which takes no ${kind}`;
}

/** The hostnames that a route serves on a listener; empty: whatever the listener serves; undefined: none. */
export function servedHostnames(
  { hostnames }: Pick<Route, 'hostnames'>,
  listener: GatewayListener,
): readonly string[] | undefined {
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

/** The routes that attach to a gateway of ours, with the listeners that they attach to. */
export function routesOf(
  world: World,
  gateway: StoredObject,
): readonly { readonly route: RouteEntry; readonly listeners: readonly GatewayListener[] }[] {
  const { listeners } = specOf('Gateway', gateway);
  const attached = world.routes().attached(gateway.ref, JSON.stringify(listeners), (routes) =>
    [...routes].flatMap((route) => {
      const places = placesOf(route, gateway, listeners);
      return places.length > 0 ? [{ route, listeners: places }] : [];
    }),
  );
  return attached.map(({ route, listeners: places }) => ({
    route,
    listeners: places.flatMap((place) => listeners[place] ?? []),
  }));
}

/** At which of the listeners of a gateway a route attaches, by whichever of its parentRefs. */
function placesOf(route: RouteEntry, gateway: StoredObject, listeners: readonly GatewayListener[]): readonly number[] {
  const places = route.parentRefs.flatMap((parentRef) => {
    const { namespace = route.ref.namespace, name } = parentRef;
    if (namespace !== gateway.ref.namespace || name !== gateway.ref.name) return [];
    const attachment = attach(route, parentRef, gateway);
    return attachment.kind === 'attached' ? attachment.listeners.map((listener) => listeners.indexOf(listener)) : [];
  });
  return [...new Set(places)];
}
