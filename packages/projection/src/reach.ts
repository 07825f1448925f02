import { type ObjectRef, refKey } from '@pulseplane/resources';
import type { GatewayName } from './gateway/resource.ts';
import { usesSecret } from './listener-certificates.ts';
import { isRouteKind } from './route-object.ts';
import { backendRef, specOf, targetRef } from './typed-object.ts';
import type { Aim } from './world/policy-index.ts';
import type { World } from './world/world.ts';

/** A gateway whose configuration an event may have changed, and in which part: all of it when `part` is absent. */
export type Touched = { readonly gateway: GatewayName; readonly part?: string };

/**
 * The parts of gateways that come from an object, as far as anything was derived from its kind yet: of what nobody
 * asked for, nobody holds an answer that could be outdated.
 */
export function reach(world: World, ref: ObjectRef): readonly Touched[] {
  const { kind, namespace, name } = ref;
  if (kind === 'Gateway') return [{ gateway: { namespace, name } }];
  if (kind === 'GatewayClass') return world.gatewaysOfClass(name).map((gateway) => ({ gateway }));
  if (kind === 'Secret') {
    return gatewaysWithSecret(world, ref).map((gateway) => ({
      gateway: { namespace: gateway.namespace, name: gateway.name },
      part: refKey(gateway),
    }));
  }
  if (isRouteKind(kind)) return reachOfRoute(world, ref);
  if (kind === 'AgentgatewayBackend') {
    return [...(world.builtRoutes()?.ofBackend(ref) ?? [])].flatMap((route) => partsOf(world, route.ref, [ref]));
  }
  if (kind !== 'AgentgatewayPolicy') return [];
  const aims = world.builtPolicies(namespace)?.aimsOf(name) ?? [];
  return aims.flatMap((aim) => targetsOf(world, namespace, aim)).flatMap((target) => reachOfTarget(world, target));
}

/** The gateways that show a Secret's certificate. It reads those of the namespace: few, and a Secret changes rarely. */
export function gatewaysWithSecret(world: World, { namespace, name }: ObjectRef): readonly ObjectRef[] {
  return world
    .gateways(namespace)
    .flatMap((gateway) => (usesSecret(specOf('Gateway', gateway).listeners, name, namespace) ? [gateway.ref] : []));
}

/** A route may bring backends to a gateway, so that what was known of them there does not count any more. */
function reachOfRoute(world: World, ref: ObjectRef): readonly Touched[] {
  const backends = world.builtRoutes()?.get(ref)?.backends ?? [];
  return partsOf(world, ref, [ref, ...backends.map((name) => backendRef(ref.namespace, name))]);
}

/** A policy changes the part that is about its target itself only. */
function reachOfTarget(world: World, target: ObjectRef): readonly Touched[] {
  if (target.kind === 'Gateway') return [{ gateway: target, part: refKey(target) }];
  return isRouteKind(target.kind) ? partsOf(world, target, [target]) : reach(world, target);
}

/** These parts, on each gateway that a route names. */
function partsOf(world: World, route: ObjectRef, parts: readonly ObjectRef[]): readonly Touched[] {
  const gateways = world.builtRoutes()?.parentsOf(route) ?? [];
  return gateways.flatMap((gateway) => parts.map((part) => ({ gateway, part: refKey(part) })));
}

function targetsOf(world: World, namespace: string, aim: Aim): readonly ObjectRef[] {
  const names = 'name' in aim ? [aim.name] : world.labels(aim.kind, namespace).select(aim.matchLabels);
  return names.map((name) => targetRef(aim.kind, namespace, name));
}
