import { GATEWAY_GROUP, type JsonObject, type StoredObject } from '@pulseplane/resources';
import { ownerOf } from '../gateway-class.ts';
import { bindKey, listenerKey } from '../gateway-projection.ts';
import { type ListenerCertificates, listenerCertificates } from '../listener-certificates.ts';
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
  const certificates = new Map(
    listeners.map((listener) => [listener, listenerCertificates(world, gateway, listener)] as const),
  );
  const unserved = listeners.filter(
    (listener) => faults.has(listener) || certificates.get(listener)?.certificates.length === 0,
  );
  return {
    conditions: [
      accepted(gateway, listeners, unserved),
      programmed(
        [gateway],
        observation,
        undefined,
        unopenedListeners(
          listeners.filter((listener) => !unserved.includes(listener)),
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
          ...(fault === undefined
            ? served(gateway, listener, observation, certificates.get(listener))
            : faulty(gateway, fault)),
          resolvedRefs(gateway, certificates.get(listener)),
        ],
      };
    }),
  };
}

function accepted(
  gateway: StoredObject,
  listeners: readonly GatewayListener[],
  unserved: readonly GatewayListener[],
): JsonObject {
  if (unserved.length === 0) return condition('Accepted', 'True', 'Accepted', 'Gateway is accepted', [gateway]);
  const names = unserved.map(({ name }) => name).join(', ');
  const status = unserved.length < listeners.length ? 'True' : 'False';
  return condition('Accepted', status, 'ListenersNotValid', `Listeners that are not served: ${names}`, [gateway]);
}

function served(
  gateway: StoredObject,
  listener: GatewayListener,
  observation: WorkerObservation,
  { certificates, fault }: ListenerCertificates = { certificates: [] },
): readonly JsonObject[] {
  const own = [`bind/${bindKey(gateway, listener)}`, `listener/${listenerKey(gateway, listener)}`];
  const unopened = unopenedPort(observation, listener.port);
  return [
    unopened?.everywhere === true
      ? condition('Accepted', 'False', PORT_UNAVAILABLE, unopened.message, [gateway], observation.since)
      : condition('Accepted', 'True', 'Accepted', 'Listener is accepted', [gateway]),
    condition('Conflicted', 'False', 'NoConflicts', 'No conflicts', [gateway]),
    fault !== undefined && certificates.length === 0
      ? condition('Programmed', 'False', 'Invalid', fault.message, [gateway])
      : programmed([gateway], observation, (resource) => own.includes(resource), unopened?.message),
  ];
}

/** Of several certificates those that are found are shown, and the condition says what is wrong with the others. */
function resolvedRefs(gateway: StoredObject, { fault }: Partial<ListenerCertificates> = {}): JsonObject {
  return fault === undefined
    ? condition('ResolvedRefs', 'True', 'ResolvedRefs', 'All references are resolved', [gateway])
    : condition('ResolvedRefs', 'False', fault.reason, fault.message, [gateway]);
}

function faulty(gateway: StoredObject, { reason, message }: ListenerFault): readonly JsonObject[] {
  return [
    condition('Accepted', 'False', reason, message, [gateway]),
    reason === 'ProtocolConflict' || reason === 'HostnameConflict'
      ? condition('Conflicted', 'True', reason, message, [gateway])
      : condition('Conflicted', 'False', 'NoConflicts', 'No conflicts', [gateway]),
    condition('Programmed', 'False', 'Invalid', message, [gateway]),
  ];
}
