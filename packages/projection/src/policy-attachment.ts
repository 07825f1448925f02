import { AGENTGATEWAY_GROUP, type ObjectRef, type StoredObject } from '@pulseplane/resources';
import { SECTIONS, type Section, setSections } from './section.ts';
import { gatewayRef, specOf } from './typed-object.ts';
import { compareRanks, type PolicyRank, rankOf } from './world/policy-index.ts';
import type { World } from './world/world.ts';

/** A gateway that a policy reaches, whole or one port of it. */
type PolicyTargetMatch = { readonly gateway: StoredObject; readonly port?: number };

/** What a policy's targets came to: those found, and why the others were not. */
export type ResolvedTargets = { readonly found: readonly PolicyTargetMatch[]; readonly errors: readonly string[] };

/** A section that a policy sets on an exact target; `winner` is absent when no other policy overrides it. */
export type Claim = { readonly section: Section; readonly target: PolicyTargetMatch; readonly winner?: StoredObject };

/** A section of a policy that is in force on an exact target. */
export type WinningClaim = {
  readonly policy: StoredObject;
  readonly section: Section;
  readonly target: PolicyTargetMatch;
};

/** Where a policy's targets lead. They are in its own namespace; naming a target twice counts once. */
export function resolveTargets(world: World, policy: StoredObject): ResolvedTargets {
  const { namespace } = policy.ref;
  const { targetRefs = [], targetSelectors = [] } = specOf('AgentgatewayPolicy', policy);
  const found = new Map<string, PolicyTargetMatch>();
  const errors: string[] = [];
  const add = (name: string, port: number | undefined): void => {
    const gateway = world.object(gatewayRef(namespace, name));
    if (gateway === undefined) errors.push(`Gateway ${namespace}/${name} not found`);
    else if (port !== undefined && !specOf('Gateway', gateway).listeners.some((listener) => listener.port === port)) {
      errors.push(`port ${port} not found in Gateway ${namespace}/${name}`);
    } else found.set(`${name} ${port ?? ''}`, { gateway, ...(port !== undefined && { port }) });
  };
  for (const { name, port } of targetRefs) add(name, port);
  for (const { kind, matchLabels, port } of targetSelectors) {
    const names = world.labels(kind, namespace).select(matchLabels);
    if (names.length === 0) errors.push(`no ${kind} matching selector found in namespace ${namespace}`);
    for (const name of names) add(name, port);
  }
  return { found: [...found.values()], errors };
}

/** Each section on each target that was found, and who overrides it there. */
export function claimsOf(world: World, policy: StoredObject, { found }: ResolvedTargets): readonly Claim[] {
  const rank = rankOf(policy);
  return setSections(specOf('AgentgatewayPolicy', policy)).flatMap((section) =>
    found.map((target) => {
      const first = firstClaimant(world, section, target);
      const isOverridden = first !== undefined && compareRanks(first, rank) < 0;
      const winner = isOverridden ? world.object(policyRef(policy.ref.namespace, first.name)) : undefined;
      return { section, target, ...(winner && { winner }) };
    }),
  );
}

/** What is in force on a gateway and its ports: at most one claim for each section and exact target. */
export function winningClaims(world: World, gateway: StoredObject): readonly WinningClaim[] {
  const ports = new Set(specOf('Gateway', gateway).listeners.map(({ port }) => port));
  const targets: readonly PolicyTargetMatch[] = [{ gateway }, ...[...ports].map((port) => ({ gateway, port }))];
  return targets.flatMap((target) =>
    SECTIONS.flatMap((section) => {
      const first = firstClaimant(world, section, target);
      const policy = first && world.object(policyRef(gateway.ref.namespace, first.name));
      return policy === undefined ? [] : [{ policy, section, target }];
    }),
  );
}

function firstClaimant(world: World, section: Section, { gateway, port }: PolicyTargetMatch): PolicyRank | undefined {
  const { kind, namespace, name } = gateway.ref;
  const target = { kind, name, labels: gateway.object.metadata.labels ?? {} };
  for (const first of world.policies(namespace).claimants(section, target, { port })) return first;
  return undefined;
}

function policyRef(namespace: string, name: string): ObjectRef {
  return { group: AGENTGATEWAY_GROUP, kind: 'AgentgatewayPolicy', namespace, name };
}
