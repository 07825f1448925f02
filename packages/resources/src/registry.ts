import { AGENTGATEWAY_BACKEND } from './kinds/agentgateway-backend.ts';
import { AGENTGATEWAY_POLICY } from './kinds/agentgateway-policy.ts';
import { GATEWAY } from './kinds/gateway.ts';
import { GATEWAY_CLASS } from './kinds/gateway-class.ts';
import { HTTP_ROUTE } from './kinds/http-route.ts';
import { NAMESPACE } from './kinds/namespace.ts';
import { apiVersionOf, type ResourceKind } from './kinds/resource-kind.ts';
import { SECRET } from './kinds/secret.ts';
import { TCP_ROUTE } from './kinds/tcp-route.ts';
import { TLS_ROUTE } from './kinds/tls-route.ts';

/** Every kind that the API serves. */
export const RESOURCE_KINDS: readonly ResourceKind[] = [
  NAMESPACE,
  SECRET,
  AGENTGATEWAY_BACKEND,
  AGENTGATEWAY_POLICY,
  GATEWAY_CLASS,
  GATEWAY,
  HTTP_ROUTE,
  TCP_ROUTE,
  TLS_ROUTE,
];

/** The kind that an object names, by apiVersion and kind. */
export function findKind(apiVersion: string, kind: string): ResourceKind | undefined {
  return RESOURCE_KINDS.find((known) => known.kind === kind && apiVersionOf(known) === apiVersion);
}
