import type { JsonObject, StoredObject } from '@pulseplane/resources';
import { conflictingListeners, type GatewayListener } from '../listener-conflict.ts';
import { routesOf } from '../route-attachment.ts';
import { specOf } from '../typed-object.ts';
import type { World } from '../world/world.ts';
import { condition } from './condition.ts';

/** What the connected workers of a gateway say of its present configuration. It decides nothing; it is shown. */
export type WorkerObservation =
  | { readonly kind: 'no-workers' }
  | { readonly kind: 'waiting'; readonly workers: number; readonly waiting: number }
  | { readonly kind: 'acknowledged'; readonly workers: number }
  | { readonly kind: 'rejected'; readonly worker: string; readonly message: string };

/** A gateway's status: accepted when it is stored, programmed when every connected worker acknowledged it. */
export function gatewayStatus(world: World, gateway: StoredObject, observation: WorkerObservation): JsonObject {
  const { listeners } = specOf('Gateway', gateway);
  const routes = [...routesOf(world, gateway)];
  const conflicts = conflictingListeners(listeners);
  return {
    conditions: [
      condition('Accepted', 'True', 'Accepted', 'Gateway is accepted', [gateway]),
      programmed(gateway, observation),
    ],
    listeners: listeners.map((listener) => ({
      name: listener.name,
      attachedRoutes: routes.filter((route) => route.listeners.includes(listener)).length,
      conditions: listenerConditions(gateway, listener, conflicts.has(listener)),
    })),
  };
}

function programmed(gateway: StoredObject, observation: WorkerObservation): JsonObject {
  switch (observation.kind) {
    case 'no-workers':
      return condition('Programmed', 'Unknown', 'Pending', 'No worker is connected', [gateway]);
    case 'waiting': {
      const { workers, waiting } = observation;
      return condition('Programmed', 'False', 'Pending', `Waiting for ${waiting} of ${workers} workers`, [gateway]);
    }
    case 'acknowledged':
      return condition(
        'Programmed',
        'True',
        'Programmed',
        `Acknowledged by every connected worker (${observation.workers})`,
        [gateway],
      );
    case 'rejected': {
      const { worker, message } = observation;
      return condition('Programmed', 'False', 'Invalid', `Rejected by ${worker}: ${message}`, [gateway]);
    }
    default:
      return observation satisfies never;
  }
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
