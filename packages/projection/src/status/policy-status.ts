import {
  AGENTGATEWAY_GROUP,
  CONTROLLER_NAME,
  GATEWAY_GROUP,
  type JsonObject,
  refKey,
  type StoredObject,
} from '@pulseplane/resources';
import { type ClaimOutcome, claimOutcomes, type Overrider } from '../claim-outcome.ts';
import type { GatewayName } from '../gateway/resource.ts';
import { resolveTargets } from '../policy-attachment.ts';
import { KEY_PREFIXES } from '../policy-resource.ts';
import { qualifiedName } from '../typed-object.ts';
import { compareText } from '../world/ordered-set.ts';
import type { World } from '../world/world.ts';
import { condition } from './condition.ts';
import { withoutOpenPort } from './port-failure.ts';
import { programmed, type WorkerObservation } from './programmed.ts';

/** Gateway API's limit. */
const MOST_ANCESTORS = 16;

/** A gateway that a policy reaches, and what became of the policy there. */
type Reached = {
  readonly gateway: StoredObject;
  readonly claims: readonly ClaimOutcome[];
  /** Absent where all of the policy is overridden: then there is nothing of it to run. */
  readonly programmed?: JsonObject;
};

/**
 * A policy's status: one ancestor for each gateway that it reaches, and a StatusSummary where a target failed, with
 * agentgateway's reasons and messages. A section that loses to other policies says which ones win. `Programmed` is ours,
 * and stands for the whole policy too, where `kubectl wait` looks for it.
 */
export function policyStatus(
  world: World,
  policy: StoredObject,
  observe: (gateway: GatewayName) => WorkerObservation,
): JsonObject {
  const targets = resolveTargets(world, policy);
  const reached = reachedGateways(world, policy, claimOutcomes(world, policy, targets), observe);
  const ancestors = [
    ...reached.map((one) => gatewayAncestor(policy, one)),
    ...(targets.errors.length > 0 ? [unattached(policy, targets.errors)] : []),
  ];
  return { conditions: [overall(policy, reached)], ancestors: withinLimit(policy, ancestors) };
}

function reachedGateways(
  world: World,
  policy: StoredObject,
  claims: readonly ClaimOutcome[],
  observe: (gateway: GatewayName) => WorkerObservation,
): readonly Reached[] {
  const gateways = new Map(
    claims.flatMap(({ target }) => target.gateways.map((gateway) => [qualifiedName(gateway), gateway])),
  );
  const concerns = (resource: string): boolean =>
    KEY_PREFIXES.some((prefix) => resource.startsWith(`policy/${prefix}${qualifiedName(policy)}:`));
  return [...gateways.values()]
    .sort((a, b) => compareText(qualifiedName(a), qualifiedName(b)))
    .map((gateway) => {
      const isHere = ({ ref }: StoredObject): boolean => refKey(ref) === refKey(gateway.ref);
      const here = claims.filter(({ target }) => target.gateways.some(isHere));
      const inForce = here.filter(({ overriders }) => overriders.length === 0);
      if (inForce.length === 0) return { gateway, claims: here };
      const observation = observe(gateway.ref);
      const unopened = withoutOpenPort(world, gateway, inForce, observation);
      return { gateway, claims: here, programmed: programmed([policy, gateway], observation, concerns, unopened) };
    });
}

function gatewayAncestor(policy: StoredObject, { gateway, claims, programmed }: Reached): JsonObject {
  const { namespace, name } = gateway.ref;
  return {
    ancestorRef: { group: GATEWAY_GROUP, kind: 'Gateway', namespace, name },
    controllerName: CONTROLLER_NAME,
    conditions: [
      condition('Accepted', 'True', 'Valid', 'Policy accepted', [policy, gateway]),
      attached(policy, gateway, claims),
      ...(programmed === undefined ? [] : [programmed]),
    ],
  };
}

function attached(policy: StoredObject, gateway: StoredObject, claims: readonly ClaimOutcome[]): JsonObject {
  const lost = claims.filter(({ overriders }) => overriders.length > 0);
  if (lost.length === 0) {
    return condition('Attached', 'True', 'Attached', 'Attached to all targets', [policy, gateway]);
  }
  const message = lost
    .map(({ section, target, overriders }) => {
      return `${section}${placeOf(target)} is overridden by ${overriders.map(nameOf).join(' and ')}`;
    })
    .join('; ');
  const about = [policy, gateway, ...lost.flatMap(({ overriders }) => overriders.map(({ policy: by }) => by))] as const;
  return lost.length === claims.length
    ? condition('Attached', 'False', 'Overridden', message, about)
    : condition('Attached', 'True', 'Merged', message, about);
}

function nameOf({ policy, ports }: Overrider): string {
  const where = ports.length === 0 ? '' : ` on port${ports.length === 1 ? '' : 's'} ${ports.join(', ')}`;
  return `AgentgatewayPolicy ${qualifiedName(policy)}${where}`;
}

/** Where a section is overridden, unless it is the whole gateway that the message stands for. */
function placeOf({ object, part: { port, sectionName } }: ClaimOutcome['target']): string {
  if (object.ref.kind !== 'Gateway') {
    const section = sectionName === undefined ? '' : `/${sectionName}`;
    return ` on ${object.ref.kind} ${qualifiedName(object)}${section}`;
  }
  if (sectionName !== undefined) return ` on listener ${sectionName}`;
  return port === undefined ? '' : ` on port ${port}`;
}

function unattached(policy: StoredObject, errors: readonly string[]): JsonObject {
  const message = errors.map((error) => `Policy is not attached: ${error}`).join('\n');
  return summary([
    condition('Accepted', 'True', 'Valid', 'Policy accepted', [policy]),
    condition('Attached', 'False', 'Pending', message, [policy]),
  ]);
}

function summary(conditions: readonly JsonObject[]): JsonObject {
  return {
    ancestorRef: { group: AGENTGATEWAY_GROUP, name: 'StatusSummary' },
    controllerName: CONTROLLER_NAME,
    conditions,
  };
}

/** The ancestors that there is room for; the last place then says how many there was none for, as agentgateway does. */
function withinLimit(policy: StoredObject, ancestors: readonly JsonObject[]): readonly JsonObject[] {
  if (ancestors.length <= MOST_ANCESTORS) return ancestors;
  const shown = ancestors.slice(0, MOST_ANCESTORS - 1);
  const message = `${ancestors.length - shown.length} AncestorRefs ignored due to max status size`;
  return [...shown, summary([condition('StatusSummarized', 'True', 'StatusSummary', message, [policy])])];
}

/** Programmed, of all gateways together: the worst that one of them says. */
function overall(policy: StoredObject, reached: readonly Reached[]): JsonObject {
  const inForce = reached.flatMap(({ gateway, programmed }) =>
    programmed === undefined ? [] : [{ gateway, programmed }],
  );
  const worst =
    inForce.find(({ programmed }) => programmed['status'] === 'False') ??
    inForce.find(({ programmed }) => programmed['status'] === 'Unknown') ??
    inForce[0];
  if (worst === undefined) {
    return reached.length === 0
      ? condition('Programmed', 'False', 'Pending', 'Policy is not attached', [policy])
      : condition('Programmed', 'False', 'Overridden', 'Policy is overridden on every target', [policy]);
  }
  if (inForce.length === 1) return worst.programmed;
  const message = `Gateway ${qualifiedName(worst.gateway)}: ${String(worst.programmed['message'])}`;
  return { ...worst.programmed, message };
}
