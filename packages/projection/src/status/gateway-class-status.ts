import type { JsonObject, StoredObject } from '@pulseplane/resources';
import { isOurClass } from '../gateway-class.ts';
import { condition } from './condition.ts';

/** A class's status: accepted when it names us; undefined when it is another controller's to say. */
export function gatewayClassStatus(gatewayClass: StoredObject): JsonObject | undefined {
  if (!isOurClass(gatewayClass)) return undefined;
  return { conditions: [condition('Accepted', 'True', 'Accepted', 'GatewayClass is accepted', [gatewayClass])] };
}
