import { AGENTGATEWAY_GROUP, GATEWAY_GROUP, type JsonObject, type StoredObject } from '@pulseplane/resources';
import { type Claim, claimsOf, resolveTargets } from '../policy-attachment.ts';
import { qualifiedName } from '../typed-object.ts';
import { compareText } from '../world/ordered-set.ts';
import type { World } from '../world/world.ts';
import { CONTROLLER_NAME, condition } from './condition.ts';

/**
 * A policy's status: one ancestor for each gateway that it reaches, and a StatusSummary where a target failed, with
 * agentgateway's reasons and messages. A section that loses to another policy says which one wins.
 */
export function policyStatus(world: World, policy: StoredObject): JsonObject {
  const targets = resolveTargets(world, policy);
  const claims = claimsOf(world, policy, targets);
  const gateways = new Map(claims.map(({ target }) => [target.gateway.ref.name, target.gateway]));
  const { errors } = targets;
  return {
    ancestors: [
      ...[...gateways.values()]
        .sort((a, b) => compareText(a.ref.name, b.ref.name))
        .map((gateway) =>
          gatewayAncestor(
            policy,
            gateway,
            claims.filter(({ target }) => target.gateway.ref.name === gateway.ref.name),
          ),
        ),
      ...(errors.length > 0 ? [summaryAncestor(policy, errors)] : []),
    ],
  };
}

function gatewayAncestor(policy: StoredObject, gateway: StoredObject, claims: readonly Claim[]): JsonObject {
  const { namespace, name } = gateway.ref;
  return {
    ancestorRef: { group: GATEWAY_GROUP, kind: 'Gateway', namespace, name },
    controllerName: CONTROLLER_NAME,
    conditions: [
      condition('Accepted', 'True', 'Valid', 'Policy accepted', [policy, gateway]),
      attached(policy, gateway, claims),
    ],
  };
}

function attached(policy: StoredObject, gateway: StoredObject, claims: readonly Claim[]): JsonObject {
  const lost = claims.flatMap(({ winner, ...claim }) => (winner === undefined ? [] : [{ ...claim, winner }]));
  if (lost.length === 0) {
    return condition('Attached', 'True', 'Attached', 'Attached to all targets', [policy, gateway]);
  }
  const message = lost
    .map(({ section, target, winner }) => {
      const port = target.port === undefined ? '' : ` on port ${target.port}`;
      return `${section}${port} is overridden by AgentgatewayPolicy ${qualifiedName(winner)}`;
    })
    .join('; ');
  const about = [policy, gateway, ...lost.map(({ winner }) => winner)] as const;
  return lost.length === claims.length
    ? condition('Attached', 'False', 'Overridden', message, about)
    : condition('Attached', 'True', 'Merged', message, about);
}

function summaryAncestor(policy: StoredObject, errors: readonly string[]): JsonObject {
  const message = errors.map((error) => `Policy is not attached: ${error}`).join('\n');
  return {
    ancestorRef: { group: AGENTGATEWAY_GROUP, name: 'StatusSummary' },
    controllerName: CONTROLLER_NAME,
    conditions: [
      condition('Accepted', 'True', 'Valid', 'Policy accepted', [policy]),
      condition('Attached', 'False', 'Pending', message, [policy]),
    ],
  };
}
