import { type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import { type EffectiveFrontend, effectiveFrontend } from './gateway/effective-frontend.ts';
import { portProtocol } from './gateway/port-protocol.ts';
import type { ListenerProtocol } from './gateway/resource.ts';
import { ownerOf } from './gateway-class.ts';
import { gatewayPart } from './gateway-projection.ts';
import { claimsOf, resolveTargets, type WinningClaim, winningClaims } from './policy-attachment.ts';
import type { Part } from './world/policy-index.ts';
import type { World } from './world/world.ts';

/** One port of a gateway, what is in force on it, and the policies that say so. */
export type PortSettings = {
  readonly port: number;
  readonly protocol: ListenerProtocol;
  readonly frontend: EffectiveFrontend;
  readonly tcpPolicy?: StoredObject;
  readonly httpPolicy?: StoredObject;
  readonly tlsPolicy?: StoredObject;
  readonly proxyProtocolPolicy?: StoredObject;
};

/** The ports of a gateway of ours, stored or not yet. With a draft: as if that policy were stored as it is given. */
export function portSettings(world: World, gateway: StoredObject, draft?: StoredObject): readonly PortSettings[] {
  if (ownerOf(world, gateway) !== 'ours') return [];
  const claims = withDraft(world, gateway, draft);
  const resources = gatewayPart(world, gateway, claims);
  const policies = resources.filter((resource) => resource.kind === 'policy');
  const holders = new Map(policies.map(({ key }, index) => [key, claims[index]?.policy]));
  return resources.flatMap((resource) => {
    if (resource.kind !== 'bind') return [];
    const { port } = resource;
    const frontend = effectiveFrontend(policies, gateway.ref, port);
    const tcpPolicy = holders.get(frontend.tcp?.policyKey ?? '');
    const httpPolicy = holders.get(frontend.http.policyKey ?? '');
    const tlsPolicy = holders.get(frontend.tls.policyKey ?? '');
    const proxyProtocolPolicy = holders.get(frontend.proxyProtocol?.policyKey ?? '');
    return [
      {
        port,
        protocol: portProtocol(resource, resources),
        frontend,
        ...(tcpPolicy && { tcpPolicy }),
        ...(httpPolicy && { httpPolicy }),
        ...(tlsPolicy && { tlsPolicy }),
        ...(proxyProtocolPolicy && { proxyProtocolPolicy }),
      },
    ];
  });
}

/** The gateways that a policy reaches, each once. */
export function gatewaysOf(world: World, policy: StoredObject): readonly StoredObject[] {
  const { found } = resolveTargets(world, policy);
  const gateways = found.flatMap((target) => target.gateways);
  return [...new Map(gateways.map((gateway) => [refKey(gateway.ref), gateway])).values()];
}

function withDraft(world: World, gateway: StoredObject, draft: StoredObject | undefined): readonly WinningClaim[] {
  const stored = winningClaims(world, gateway);
  if (draft === undefined) return stored;
  const own = claimsOf(world, draft, resolveTargets(world, draft)).flatMap(({ section, target, winner }) =>
    winner === undefined && isSame(target.object.ref, gateway.ref) ? [{ policy: draft, section, target }] : [],
  );
  const others = stored.filter(
    ({ policy, section, target }) =>
      !isSame(policy.ref, draft.ref) &&
      !own.some((claim) => claim.section === section && isSamePart(claim.target.part, target.part)),
  );
  return [...own, ...others];
}

function isSamePart(a: Part, b: Part): boolean {
  return a.port === b.port && a.sectionName === b.sectionName;
}

function isSame(a: ObjectRef, b: ObjectRef): boolean {
  return refKey(a) === refKey(b);
}
