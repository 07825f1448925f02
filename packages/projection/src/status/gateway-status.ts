import type { JsonObject, StoredObject } from '@pulseplane/resources';
import { ownerOf } from '../gateway-class.ts';
import { conflictingListeners, type GatewayListener } from '../listener-conflict.ts';
import { routesOf } from '../route-attachment.ts';
import { specOf } from '../typed-object.ts';
import type { World } from '../world/world.ts';
import { condition } from './condition.ts';
import { programmed, type WorkerObservation } from './programmed.ts';

/**
 * A gateway's status: accepted when it is ours, programmed when every connected worker acknowledged it. Undefined when
 * it is not ours.
 */
export function gatewayStatus(
  world: World,
  gateway: StoredObject,
  observation: WorkerObservation,
): JsonObject | undefined {
  if (ownerOf(world, gateway) !== 'ours') return undefined;
  const { listeners } = specOf('Gateway', gateway);
  const routes = [...routesOf(world, gateway)];
  const conflicts = conflictingListeners(listeners);
  return {
    conditions: [
      condition('Accepted', 'True', 'Accepted', 'Gateway is accepted', [gateway]),
      programmed([gateway], observation),
    ],
    listeners: listeners.map((listener) => ({
      name: listener.name,
      attachedRoutes: routes.filter((route) => route.listeners.includes(listener)).length,
      conditions: listenerConditions(gateway, listener, conflicts.has(listener)),
    })),
  };
}

function listenerConditions(gateway: StoredObject, { port }: GatewayListener, conflicted: boolean): JsonObject[] {
  const message = `Another listener speaks another protocol on port ${port}`;
  return conflicted
    ? [
        condition('Accepted', 'False', 'ProtocolConflict', message, [gateway]),
        condition('Conflicted', 'True', 'ProtocolConflict', message, [gateway]),
      ]
    : [
        condition('Accepted', 'True', 'Accepted', 'Listener is accepted', [gateway]),
        condition('Conflicted', 'False', 'NoConflicts', 'No conflicts', [gateway]),
      ];
}
