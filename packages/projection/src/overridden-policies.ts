import type { ObjectRef } from '@pulseplane/resources';
import type { BackendPath } from './gateway/effective-backend.ts';
import type { GatewayName, Policy } from './gateway/resource.ts';
import { BACKEND_SECTIONS, FRONTEND_SECTIONS, type Section, setSections } from './section.ts';
import { backendRef, gatewayRef, specOf, targetRef } from './typed-object.ts';
import type { Part, PolicyRank } from './world/policy-index.ts';
import type { World } from './world/world.ts';

/** A policy that sets a section for a port or a path, and is not in force there. */
export type Overridden = {
  readonly section: Section;
  readonly policy: GatewayName;
  readonly target: Policy['target'];
  /** A policy, unless it says of what kind it is. */
  readonly by: GatewayName & { readonly kind?: 'AgentgatewayBackend' };
  readonly reason: string;
};

/** Where a section can be set by policies; `name` is how a reason calls it. */
type Place = { readonly name: string; readonly ref: ObjectRef; readonly part: Part; readonly target: Policy['target'] };

type Winner = { readonly by: Overridden['by']; readonly place: string; readonly rank?: PolicyRank };

/** At most `limit` policies that lose on one port of a gateway, those that come closest first in each section. */
export function overriddenPolicies(
  world: World,
  gateway: GatewayName,
  port: number,
  limit: number,
): readonly Overridden[] {
  const ref = gatewayRef(gateway.namespace, gateway.name);
  const places: readonly Place[] = [
    { name: 'the port', ref, part: { port }, target: { gateway, port } },
    { name: 'its gateway', ref, part: {}, target: { gateway } },
  ];
  return take(
    FRONTEND_SECTIONS.map((section) => losers(world, section, places)),
    limit,
  );
}

/** At most `limit` policies that lose on the way from a listener to a backend. */
export function overriddenOnPath(
  world: World,
  { gateway, listener, route: { ruleName, ...route }, backend: { namespace, name } }: BackendPath,
  limit: number,
): readonly Overridden[] {
  const ref = backendRef(namespace, name);
  const stored = world.object(ref);
  const { policies } = stored === undefined ? {} : specOf('AgentgatewayBackend', stored);
  const inline = setSections({ ...(policies && { backend: policies }) });
  const routeRef = targetRef(route.kind, route.namespace, route.name);
  const onGateway = gatewayRef(gateway.namespace, gateway.name);
  const places: readonly Place[] = [
    ...(ruleName === undefined
      ? []
      : [
          {
            name: 'the rule',
            ref: routeRef,
            part: { sectionName: ruleName },
            target: { route: { ...route, ruleName } },
          },
        ]),
    { name: 'the route', ref: routeRef, part: {}, target: { route } },
    { name: 'the backend', ref, part: {}, target: { backend: { namespace, name } } },
    { name: 'the listener', ref: onGateway, part: { sectionName: listener }, target: { gateway, listener } },
    { name: 'the gateway', ref: onGateway, part: {}, target: { gateway } },
  ];
  const first: Winner = { by: { kind: 'AgentgatewayBackend', namespace, name }, place: 'the backend itself' };
  return take(
    BACKEND_SECTIONS.map((section) => losers(world, section, places, inline.includes(section) ? first : undefined)),
    limit,
  );
}

/** All but the first that set a section at one of these places, the more specific of which come first. */
function* losers(world: World, section: Section, places: readonly Place[], inline?: Winner): Generator<Overridden> {
  let winner = inline;
  for (const { name: place, ref, part, target } of places) {
    const { kind, namespace, name } = ref;
    const labels = world.object(ref)?.object.metadata.labels ?? {};
    for (const rank of world.policies(namespace).claimants(section, { kind, name, labels }, part)) {
      const policy = { namespace, name: rank.name };
      if (winner === undefined) winner = { by: policy, place, rank };
      else yield { section, policy, target, by: winner.by, reason: reasonOf(winner, place, rank) };
    }
  }
}

function take(lists: readonly Iterable<Overridden>[], limit: number): readonly Overridden[] {
  const taken: Overridden[] = [];
  for (const list of lists) {
    for (const one of list) {
      if (taken.length === limit) return taken;
      taken.push(one);
    }
  }
  return taken;
}

function reasonOf({ place, rank }: Winner, losersPlace: string, loser: PolicyRank): string {
  if (rank === undefined) return `${place} sets it, which is more specific than a policy`;
  if (place !== losersPlace) return `the other one targets ${place}, which is more specific than ${losersPlace}`;
  return rank.created === loser.created
    ? `both were created at ${rank.created}, and the other one comes first by name`
    : `the other one is older: it was created at ${rank.created}, this one at ${loser.created}`;
}
