import type { ObjectRef, StoredObject } from '@pulseplane/resources';
import { attachedGateways } from './attached-gateways.ts';
import { ownerOf } from './gateway-class.ts';
import { BACKEND_SECTIONS, FRONTEND_SECTIONS, type Section, setSections } from './section.ts';
import { policyRef, specOf, targetRef } from './typed-object.ts';
import { compareRanks, type Part, type PolicyRank, rankOf } from './world/policy-index.ts';
import type { World } from './world/world.ts';

/** An object that a policy reaches, whole or a part of it, and the gateways on which that counts. */
type PolicyTargetMatch = {
  readonly object: StoredObject;
  readonly part: Part;
  readonly gateways: readonly StoredObject[];
};

/** What a policy's targets came to: those found, and why the others were not. */
export type ResolvedTargets = { readonly found: readonly PolicyTargetMatch[]; readonly errors: readonly string[] };

/** A section that a policy sets on an exact target; `winner` is absent when no other policy overrides it. */
export type Claim = { readonly section: Section; readonly target: PolicyTargetMatch; readonly winner?: StoredObject };

/** A section of a policy that is in force on an exact target. */
export type WinningClaim = {
  readonly policy: StoredObject;
  readonly section: Section;
  readonly target: Pick<PolicyTargetMatch, 'object' | 'part'>;
};

/** Where a policy's targets lead. They are in its own namespace; naming a target twice counts once. */
export function resolveTargets(world: World, policy: StoredObject): ResolvedTargets {
  const { namespace } = policy.ref;
  const { targetRefs = [], targetSelectors = [] } = specOf('AgentgatewayPolicy', policy);
  const found = new Map<string, PolicyTargetMatch>();
  const errors: string[] = [];
  const add = (kind: string, name: string, { sectionName, port }: Part): void => {
    const part = { ...(sectionName !== undefined && { sectionName }), ...(port !== undefined && { port }) };
    const object = world.object(targetRef(kind, namespace, name));
    const gateways = object === undefined ? [] : attachedGateways(world, object);
    const error = targetError(world, `${kind} ${namespace}/${name}`, object, part, gateways);
    if (error !== undefined) errors.push(error);
    else if (object !== undefined) found.set(`${name} ${sectionName ?? ''} ${port ?? ''}`, { object, part, gateways });
  };
  for (const { kind, name, ...part } of targetRefs) add(kind, name, part);
  for (const { kind, matchLabels, ...part } of targetSelectors) {
    const names = world.labels(kind, namespace).select(matchLabels);
    if (names.length === 0) errors.push(`no ${kind} matching selector found in namespace ${namespace}`);
    for (const name of names) add(kind, name, part);
  }
  return { found: [...found.values()], errors };
}

/** Why a target is none, as agentgateway says it; to it a gateway that is not its own is not there. */
function targetError(
  world: World,
  named: string,
  object: StoredObject | undefined,
  { sectionName, port }: Part,
  gateways: readonly StoredObject[],
): string | undefined {
  if (object === undefined) return `${named} not found`;
  if (sectionName !== undefined && !sectionNames(object).includes(sectionName)) {
    return `sectionName ${JSON.stringify(sectionName)} not found in ${named}`;
  }
  if (port !== undefined && !specOf('Gateway', object).listeners.some((listener) => listener.port === port)) {
    return `port ${port} not found in ${named}`;
  }
  if (gateways.length > 0) return undefined;
  return object.ref.kind === 'Gateway'
    ? `${named} ${notOurs(world, object)}`
    : `${named} is not attached to any Gateway`;
}

function notOurs(world: World, gateway: StoredObject): string {
  const name = JSON.stringify(specOf('Gateway', gateway).gatewayClassName);
  return ownerOf(world, gateway) === 'nobody'
    ? `has the class ${name}, which does not exist`
    : `has the class ${name}, which is another controller's`;
}

/** The parts of an object that have names: a gateway's listeners, a route's rules. A static backend has none. */
function sectionNames(object: StoredObject): readonly string[] {
  switch (object.ref.kind) {
    case 'Gateway':
      return specOf('Gateway', object).listeners.map(({ name }) => name);
    case 'HTTPRoute':
      return (specOf('HTTPRoute', object).rules ?? []).flatMap(({ name }) => name ?? []);
    default:
      return [];
  }
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

/** What is in force on an object that policies may target, and on its parts: one claim for each section and part. */
export function winningClaims(world: World, object: StoredObject): readonly WinningClaim[] {
  return [{}, ...partsOf(object)].flatMap((part) =>
    sectionsOn(object, part).flatMap((section) => {
      const first = firstClaimant(world, section, { object, part });
      const policy = first && world.object(policyRef(object.ref.namespace, first.name));
      return policy === undefined ? [] : [{ policy, section, target: { object, part } }];
    }),
  );
}

/**
 * The policies that come first on an object, whether it exists or not, and on its parts: at most `most` for each
 * section and part.
 */
export function contenders(world: World, ref: ObjectRef, most: number): readonly ObjectRef[] {
  const { kind, namespace, name } = ref;
  const policies = world.policies(namespace);
  // An object that nobody claims need not be read: backends are written more often than policies.
  if (policies.isEmpty()) return [];
  const object = world.object(ref);
  const target = { kind, name, labels: object?.object.metadata.labels ?? {} };
  const names = new Set<string>();
  for (const part of [{}, ...(object === undefined ? [] : partsOf(object))]) {
    for (const section of sectionsOn({ ref }, part)) {
      let count = 0;
      for (const claimant of policies.claimants(section, target, part)) {
        names.add(claimant.name);
        count += 1;
        if (count === most) break;
      }
    }
  }
  return [...names].map((policy) => policyRef(namespace, policy));
}

function partsOf(object: StoredObject): readonly Part[] {
  const ports = object.ref.kind === 'Gateway' ? specOf('Gateway', object).listeners.map(({ port }) => port) : [];
  return [
    ...[...new Set(ports)].map((port) => ({ port })),
    ...sectionNames(object).map((sectionName) => ({ sectionName })),
  ];
}

/** What can be set on a target: on a gateway everything, on a port of it what is about clients. */
function sectionsOn({ ref }: Pick<StoredObject, 'ref'>, { port, sectionName }: Part): readonly Section[] {
  if (port !== undefined) return FRONTEND_SECTIONS;
  return ref.kind === 'Gateway' && sectionName === undefined
    ? [...FRONTEND_SECTIONS, ...BACKEND_SECTIONS]
    : BACKEND_SECTIONS;
}

function firstClaimant(
  world: World,
  section: Section,
  { object, part }: Pick<PolicyTargetMatch, 'object' | 'part'>,
): PolicyRank | undefined {
  const { kind, namespace, name } = object.ref;
  const target = { kind, name, labels: object.object.metadata.labels ?? {} };
  for (const first of world.policies(namespace).claimants(section, target, part)) return first;
  return undefined;
}
