import { GATEWAY_GROUP, type JsonObject, type StoredObject } from '@pulseplane/resources';
import { ownerOf } from '../gateway-class.ts';
import { bindKey, listenerKey } from '../gateway-projection.ts';
import { type GatewayListener, type ListenerFault, listenerFaults, routeKindOf } from '../listener-fault.ts';
import { routesOf } from '../route-attachment.ts';
import { specOf } from '../typed-object.ts';
import type { World } from '../world/world.ts';
import { condition } from './condition.ts';
import { unopenedListeners, unopenedPort } from './port-failure.ts';
import { PORT_UNAVAILABLE, programmed, type WorkerObservation } from './programmed.ts';

/**
 * A gateway's status: accepted when it is ours and a listener can be served, programmed when every connected worker
 * acknowledged it. Undefined when it is not ours.
 */
export function gatewayStatus(
  world: World,
  gateway: StoredObject,
  observation: WorkerObservation,
): JsonObject | undefined {
  if (ownerOf(world, gateway) !== 'ours') return undefined;
  const { listeners } = specOf('Gateway', gateway);
  const routes = routesOf(world, gateway);
  const faults = listenerFaults(listeners);
  return {
    conditions: [
      accepted(gateway, listeners, faults),
      programmed(
        [gateway],
        observation,
        undefined,
        unopenedListeners(
          listeners.filter((listener) => !faults.has(listener)),
          observation,
        ),
      ),
    ],
    listeners: listeners.map((listener) => {
      const fault = faults.get(listener);
      const kind = routeKindOf(listener);
      return {
        name: listener.name,
        supportedKinds: kind === undefined ? [] : [{ group: GATEWAY_GROUP, kind }],
        attachedRoutes: routes.filter((route) => route.listeners.includes(listener)).length,
        conditions: [
          ...(fault === undefined ? served(gateway, listener, observation) : faulty(gateway, fault)),
          condition('ResolvedRefs', 'True', 'ResolvedRefs', 'All references are resolved', [gateway]),
        ],
      };
    }),
  };
}

function accepted(
  gateway: StoredObject,
  listeners: readonly GatewayListener[],
  faults: ReadonlyMap<GatewayListener, ListenerFault>,
): JsonObject {
  if (faults.size === 0) return condition('Accepted', 'True', 'Accepted', 'Gateway is accepted', [gateway]);
  const names = [...faults.keys()].map(({ name }) => name).join(', ');
  const status = faults.size < listeners.length ? 'True' : 'False';
  return condition('Accepted', status, 'ListenersNotValid', `Listeners that are not served: ${names}`, [gateway]);
}

function served(
  gateway: StoredObject,
  listener: GatewayListener,
  observation: WorkerObservation,
): readonly JsonObject[] {
  const own = [`bind/${bindKey(gateway, listener)}`, `listener/${listenerKey(gateway, listener)}`];
  const unopened = unopenedPort(observation, listener.port);
  return [
    unopened?.everywhere === true
      ? condition('Accepted', 'False', PORT_UNAVAILABLE, unopened.message, [gateway], observation.since)
      : condition('Accepted', 'True', 'Accepted', 'Listener is accepted', [gateway]),
    condition('Conflicted', 'False', 'NoConflicts', 'No conflicts', [gateway]),
    programmed([gateway], observation, (resource) => own.includes(resource), unopened?.message),
  ];
}

function faulty(gateway: StoredObject, { reason, message }: ListenerFault): readonly JsonObject[] {
  return [
    condition('Accepted', 'False', reason, message, [gateway]),
    reason === 'ProtocolConflict'
      ? condition('Conflicted', 'True', reason, message, [gateway])
      : condition('Conflicted', 'False', 'NoConflicts', 'No conflicts', [gateway]),
    condition('Programmed', 'False', 'Invalid', message, [gateway]),
  ];
}
