import { CONTROLLER_NAME, type StoredObject } from '@pulseplane/resources';
import { gatewayClassRef, specOf } from './typed-object.ts';
import type { World } from './world/world.ts';

/**
 * Whose a gateway is by its class: ours, nobody's because there is no such class, or another controller's. Of one that
 * is not ours nothing is sent to workers, and nothing is said in any status.
 */
type Owner = 'ours' | 'nobody' | 'other';

/** Who runs a gateway. */
export function ownerOf(world: World, gateway: StoredObject): Owner {
  const gatewayClass = world.object(gatewayClassRef(specOf('Gateway', gateway).gatewayClassName));
  if (gatewayClass === undefined) return 'nobody';
  return isOurClass(gatewayClass) ? 'ours' : 'other';
}

/** Whether a class names us. */
export function isOurClass(gatewayClass: StoredObject): boolean {
  return specOf('GatewayClass', gatewayClass).controllerName === CONTROLLER_NAME;
}
