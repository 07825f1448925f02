import {
  AGENTGATEWAY_GROUP,
  type AgentgatewayBackendSpec,
  type AgentgatewayPolicySpec,
  GATEWAY_GROUP,
  type GatewayClassSpec,
  type GatewaySpec,
  type HttpRouteSpec,
  type ObjectRef,
  SECRET,
  type StoredObject,
  type TcpRouteSpec,
} from '@pulseplane/resources';

/** Specs by kind. The log holds validated objects only, so each kind's objects have its spec. */
type Specs = {
  readonly Gateway: GatewaySpec;
  readonly GatewayClass: GatewayClassSpec;
  readonly HTTPRoute: HttpRouteSpec;
  readonly TCPRoute: TcpRouteSpec;
  readonly AgentgatewayPolicy: AgentgatewayPolicySpec;
  readonly AgentgatewayBackend: AgentgatewayBackendSpec;
};

/** The spec of an object whose kind the caller knows. */
export function specOf<Kind extends keyof Specs>(_kind: Kind, stored: StoredObject): Specs[Kind] {
  return stored.object.spec as Specs[Kind];
}

export function gatewayRef(namespace: string, name: string): ObjectRef {
  return { group: GATEWAY_GROUP, kind: 'Gateway', namespace, name };
}

export function gatewayClassRef(name: string): ObjectRef {
  return { group: GATEWAY_GROUP, kind: 'GatewayClass', namespace: '', name };
}

export function backendRef(namespace: string, name: string): ObjectRef {
  return { group: AGENTGATEWAY_GROUP, kind: 'AgentgatewayBackend', namespace, name };
}

export function policyRef(namespace: string, name: string): ObjectRef {
  return { group: AGENTGATEWAY_GROUP, kind: 'AgentgatewayPolicy', namespace, name };
}

export function secretRef(namespace: string, name: string): ObjectRef {
  return { group: SECRET.group, kind: SECRET.kind, namespace, name };
}

/** The object of a kind that policies may target. */
export function targetRef(kind: string, namespace: string, name: string): ObjectRef {
  return { group: kind === 'AgentgatewayBackend' ? AGENTGATEWAY_GROUP : GATEWAY_GROUP, kind, namespace, name };
}

/** `namespace/name`, as messages and keys have it. */
export function qualifiedName({ ref }: StoredObject): string {
  return `${ref.namespace}/${ref.name}`;
}
