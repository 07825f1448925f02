import type { JsonObject, StoredObject } from '@pulseplane/resources';
import { CONTROLLER_NAME, condition } from './condition.ts';

/** A class's status: accepted when it names us; undefined when it is another controller's to say. */
export function gatewayClassStatus(gatewayClass: StoredObject): JsonObject | undefined {
  if (gatewayClass.object.spec?.['controllerName'] !== CONTROLLER_NAME) return undefined;
  return { conditions: [condition('Accepted', 'True', 'Accepted', 'GatewayClass is accepted', [gatewayClass])] };
}
