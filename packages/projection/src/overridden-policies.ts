import type { FrontendTarget, GatewayName } from './gateway/resource.ts';
import { FRONTEND_SECTIONS, type FrontendSection } from './section.ts';
import { gatewayRef } from './typed-object.ts';
import type { PolicyRank } from './world/policy-index.ts';
import type { World } from './world/world.ts';

/** A policy that sets a section for a port, and is not in force there. */
export type Overridden = {
  readonly section: FrontendSection;
  readonly policy: GatewayName;
  readonly target: FrontendTarget;
  readonly by: GatewayName;
  readonly reason: string;
};

/** At most `limit` policies that lose on one port of a gateway, those that come closest first in each section. */
export function overriddenPolicies(
  world: World,
  gateway: GatewayName,
  port: number,
  limit: number,
): readonly Overridden[] {
  const { namespace } = gateway;
  const stored = world.object(gatewayRef(namespace, gateway.name));
  if (stored === undefined) return [];
  const target = { kind: 'Gateway', name: gateway.name, labels: stored.object.metadata.labels ?? {} };
  const overridden: Overridden[] = [];
  for (const section of FRONTEND_SECTIONS) {
    let winner: { readonly rank: PolicyRank; readonly port?: number } | undefined;
    // The more specific target first, as the workers merge it.
    for (const part of [{ port }, {}]) {
      for (const rank of world.policies(namespace).claimants(section, target, part)) {
        if (overridden.length === limit) return overridden;
        if (winner === undefined) winner = { rank, ...part };
        else {
          overridden.push({
            section,
            policy: { namespace, name: rank.name },
            target: { gateway, ...part },
            by: { namespace, name: winner.rank.name },
            reason: reasonOf(winner.rank, rank, winner.port !== undefined && !('port' in part)),
          });
        }
      }
    }
  }
  return overridden;
}

function reasonOf(winner: PolicyRank, loser: PolicyRank, isMoreSpecific: boolean): string {
  if (isMoreSpecific) return 'the other one targets the port, which is more specific than its gateway';
  return winner.created === loser.created
    ? `both were created at ${winner.created}, and the other one comes first by name`
    : `the other one is older: it was created at ${winner.created}, this one at ${loser.created}`;
}
