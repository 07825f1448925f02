import type { ObjectRef } from '@pulseplane/resources';
import { contenders } from './policy-attachment.ts';
import { gatewaysWithSecret } from './reach.ts';
import { backendRef } from './typed-object.ts';
import type { RouteEntry } from './world/route-index.ts';
import type { World } from './world/world.ts';

/** How many policies of each section and target are looked at: those in force, and those that come next. */
const MOST_CONTENDERS = 3;

/**
 * Objects whose status may follow from a gateway, route, backend or Secret, whether it exists or not: at most `limit` routes,
 * and the policies that come first on all of these.
 */
export function affectedObjects(world: World, ref: ObjectRef, limit: number): readonly ObjectRef[] {
  const policies = (target: ObjectRef): readonly ObjectRef[] => contenders(world, target, MOST_CONTENDERS);
  switch (ref.kind) {
    case 'Gateway': {
      const routes = take(world.routes().ofGateway(ref), limit);
      const targets = routes.flatMap((route) => [
        route.ref,
        ...route.backends.map((name) => backendRef(route.ref.namespace, name)),
      ]);
      return [...policies(ref), ...routes.map((route) => route.ref), ...targets.flatMap(policies)];
    }
    case 'Secret':
      return gatewaysWithSecret(world, ref);
    case 'HTTPRoute':
      return policies(ref);
    case 'AgentgatewayBackend':
      return [...policies(ref), ...take(world.routes().ofBackend(ref), limit).map((route) => route.ref)];
    default:
      return [];
  }
}

function take(routes: Iterable<RouteEntry>, most: number): readonly RouteEntry[] {
  const taken: RouteEntry[] = [];
  for (const route of routes) {
    if (taken.length === most) break;
    taken.push(route);
  }
  return taken;
}
