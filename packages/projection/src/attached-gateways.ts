import { type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import { ownerOf } from './gateway-class.ts';
import { routeAttachments } from './route-attachment.ts';
import { isRouteKind } from './route-object.ts';
import { compareText } from './world/ordered-set.ts';
import type { World } from './world/world.ts';

/** The gateways of ours on which an object counts: a gateway itself, those of a route, those of the routes to a backend. */
export function attachedGateways(world: World, object: StoredObject): readonly StoredObject[] {
  const { ref } = object;
  if (ref.kind === 'Gateway') return ownerOf(world, object) === 'ours' ? [object] : [];
  const routes = isRouteKind(ref.kind) ? [ref] : [...world.routes().ofBackend(ref)].map((route) => route.ref);
  const gateways = routes.flatMap((route) => gatewaysOfRoute(world, route));
  const distinct = new Map(gateways.map((gateway) => [refKey(gateway.ref), gateway]));
  return [...distinct.values()].sort((a, b) => compareText(refKey(a.ref), refKey(b.ref)));
}

function gatewaysOfRoute(world: World, route: ObjectRef): readonly StoredObject[] {
  const entry = world.routes().get(route);
  if (entry === undefined) return [];
  return routeAttachments(world, entry).flatMap((one) => (one.kind === 'attached' ? [one.gateway] : []));
}
