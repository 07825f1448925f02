import { CONTROLLER_NAME, type JsonObject, type StoredObject } from '@pulseplane/resources';
import { type ParentAttachment, routeAttachments } from '../route-attachment.ts';
import { backendRefsOf, hostnamesOf, parentRefsOf } from '../route-object.ts';
import { backendRef } from '../typed-object.ts';
import type { World } from '../world/world.ts';
import { condition } from './condition.ts';

/** A route's status: for each parent whether it attached, and whether all backends exist. */
export function routeStatus(world: World, route: StoredObject): JsonObject {
  const entry = { ref: route.ref, parentRefs: parentRefsOf(route), hostnames: hostnamesOf(route) };
  return {
    parents: routeAttachments(world, entry).map((attachment) => ({
      parentRef: attachment.parentRef,
      controllerName: CONTROLLER_NAME,
      conditions: [accepted(route, attachment), resolvedRefs(world, route)],
    })),
  };
}

function accepted(route: StoredObject, attachment: ParentAttachment): JsonObject {
  return attachment.kind === 'attached'
    ? condition('Accepted', 'True', 'Accepted', 'Route is accepted', [route, attachment.gateway])
    : condition('Accepted', 'False', attachment.reason, attachment.message, [route]);
}

function resolvedRefs(world: World, route: StoredObject): JsonObject {
  for (const { namespace, name } of backendRefsOf(route)) {
    if (namespace !== route.ref.namespace) {
      const message = `AgentgatewayBackend ${namespace}/${name} is in another namespace, and no ReferenceGrant allows that`;
      return condition('ResolvedRefs', 'False', 'RefNotPermitted', message, [route]);
    }
    if (world.object(backendRef(namespace, name)) === undefined) {
      const message = `AgentgatewayBackend ${namespace}/${name} not found`;
      return condition('ResolvedRefs', 'False', 'BackendNotFound', message, [route]);
    }
  }
  return condition('ResolvedRefs', 'True', 'ResolvedRefs', 'All references are resolved', [route]);
}
