import {
  AGENTGATEWAY_GROUP,
  type AgentgatewayPolicySpec,
  GATEWAY_GROUP,
  type StoredObject,
} from '@pulseplane/resources';
import type { FrontendPolicy } from './gateway/resource.ts';
import { gatewayRef, qualifiedName, specOf } from './typed-object.ts';
import type { World } from './world.ts';

type Section = FrontendPolicy['section'];

const SECTIONS = ['tcp', 'http'] as const satisfies readonly Section[];

/** A gateway that a policy reaches, whole or one port of it. */
type PolicyTargetMatch = { readonly gateway: StoredObject; readonly port?: number };

/** What a policy's targets came to: those found, and why the others were not. */
export type ResolvedTargets = { readonly found: readonly PolicyTargetMatch[]; readonly errors: readonly string[] };

/** A policy that sets a section on an exact target, and the policy that wins there. */
export type Claim = {
  readonly policy: StoredObject;
  readonly section: Section;
  readonly target: PolicyTargetMatch;
  readonly winner: StoredObject;
};

/** Who targets what, in one world. Deterministic: it does not depend on the order in which objects were written. */
export class PolicyAttachments {
  readonly #targets = new Map<StoredObject, ResolvedTargets>();
  readonly #claims = new Map<StoredObject, Claim[]>();
  readonly #gateways = new Map<string, Claim[]>();

  constructor(world: World) {
    const contests = new Map<string, Omit<Claim, 'winner'>[]>();
    for (const policy of world.list(AGENTGATEWAY_GROUP, 'AgentgatewayPolicy')) {
      const targets = resolveTargets(world, policy);
      this.#targets.set(policy, targets);
      const { frontend } = specOf('AgentgatewayPolicy', policy);
      for (const section of SECTIONS.filter((name) => frontend?.[name] !== undefined)) {
        for (const target of targets.found) {
          const key = `${section} ${qualifiedName(target.gateway)} ${target.port ?? ''}`;
          push(contests, key, { policy, section, target });
        }
      }
    }
    for (const contest of contests.values()) {
      const winner = contest
        .map(({ policy }) => policy)
        .reduce((best, other) => (precedes(other, best) ? other : best));
      for (const claimed of contest) {
        const claim = { ...claimed, winner };
        push(this.#claims, claim.policy, claim);
        push(this.#gateways, qualifiedName(claim.target.gateway), claim);
      }
    }
  }

  targetsOf(policy: StoredObject): ResolvedTargets {
    return this.#targets.get(policy) ?? { found: [], errors: [] };
  }

  claimsOf(policy: StoredObject): readonly Claim[] {
    return this.#claims.get(policy) ?? [];
  }

  /** The claims on a gateway that won: at most one for each section and exact target. */
  winningClaims(gateway: StoredObject): readonly Claim[] {
    const claims = this.#gateways.get(qualifiedName(gateway)) ?? [];
    return claims.filter(({ policy, winner }) => policy === winner);
  }
}

/** At one target the oldest object wins, then the first by namespace and name. */
function precedes(a: StoredObject, b: StoredObject): boolean {
  const age = (stored: StoredObject): string => stored.object.metadata.creationTimestamp ?? '';
  if (age(a) !== age(b)) return age(a) < age(b);
  return qualifiedName(a) < qualifiedName(b);
}

/** Targets are in the policy's own namespace. One policy naming a target twice counts once. */
function resolveTargets(world: World, policy: StoredObject): ResolvedTargets {
  const { namespace } = policy.ref;
  const spec = specOf('AgentgatewayPolicy', policy);
  const found = new Map<string, PolicyTargetMatch>();
  const errors: string[] = [];
  const add = (gateway: StoredObject, port: number | undefined): void => {
    if (port !== undefined && !specOf('Gateway', gateway).listeners.some((listener) => listener.port === port)) {
      errors.push(`port ${port} not found in Gateway ${qualifiedName(gateway)}`);
      return;
    }
    found.set(`${qualifiedName(gateway)} ${port ?? ''}`, { gateway, ...(port !== undefined && { port }) });
  };
  for (const { name, port } of spec.targetRefs ?? []) {
    const gateway = world.get(gatewayRef(namespace, name));
    if (gateway === undefined) errors.push(`Gateway ${namespace}/${name} not found`);
    else add(gateway, port);
  }
  for (const selector of spec.targetSelectors ?? []) {
    const matches = selectGateways(world, namespace, selector);
    if (matches.length === 0) errors.push(`no Gateway matching selector found in namespace ${namespace}`);
    for (const gateway of matches) add(gateway, selector.port);
  }
  return { found: [...found.values()], errors };
}

type Selector = NonNullable<AgentgatewayPolicySpec['targetSelectors']>[number];

function selectGateways(world: World, namespace: string, { matchLabels }: Selector): readonly StoredObject[] {
  return [...world.list(GATEWAY_GROUP, 'Gateway')]
    .filter(({ ref }) => ref.namespace === namespace)
    .filter(({ object }) =>
      Object.entries(matchLabels).every(([label, value]) => object.metadata.labels?.[label] === value),
    );
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
