export { customResourceDefinition } from './custom-resource-definition.ts';
export { DURATION_PATTERN, parseDuration } from './duration.ts';
export { readPath } from './json-path.ts';
export { AGENTGATEWAY_BACKEND, type AgentgatewayBackendSpec } from './kinds/agentgateway-backend.ts';
export { AGENTGATEWAY_POLICY, type AgentgatewayPolicySpec } from './kinds/agentgateway-policy.ts';
export type { CipherSuite } from './kinds/frontend.ts';
export { GATEWAY, type GatewaySpec } from './kinds/gateway.ts';
export { CONTROLLER_NAME, GATEWAY_CLASS, type GatewayClassSpec } from './kinds/gateway-class.ts';
export { HTTP_ROUTE, type HttpRouteSpec } from './kinds/http-route.ts';
export { NAMESPACE } from './kinds/namespace.ts';
export { AGENTGATEWAY_GROUP, GATEWAY_GROUP } from './kinds/references.ts';
export { apiVersionOf, type Column, defineKind, qualifiedResource, type ResourceKind } from './kinds/resource-kind.ts';
export { SECRET } from './kinds/secret.ts';
export { TCP_ROUTE, type TcpRouteSpec } from './kinds/tcp-route.ts';
export {
  contentOf,
  type Json,
  type JsonObject,
  type KubernetesObject,
  type ObjectMeta,
  type ObjectRef,
  refKey,
  type StoredObject,
} from './object.ts';
export { parseBytes, parseQuantity, QUANTITY_PATTERN } from './quantity.ts';
export { findKind, RESOURCE_KINDS } from './registry.ts';
export {
  type FieldError,
  type FieldErrorReason,
  forbiddenField,
  invalidValue,
  requiredValue,
  unsupportedValue,
} from './validation/field-error.ts';
export { cutToFieldManager, fieldManagerFaults } from './validation/field-manager.ts';
export { addedFinalizers, newFinalizers, pendingFinalizers } from './validation/finalizers.ts';
export type { JsonSchema, ValidationRule } from './validation/json-schema.ts';
export { METADATA_SCHEMA } from './validation/metadata.ts';
export { labelValueFaults, qualifiedNameFaults } from './validation/names.ts';
export { isJsonObject } from './validation/structure.ts';
export { checkStatus, type ValidatedObject, validateObject } from './validation/validate-object.ts';
