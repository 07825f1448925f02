import type { JsonObject } from '@pulseplane/resources';

export const AGENTGATEWAY = 'agentgateway.dev/v1alpha1';
export const GATEWAY_API = 'gateway.networking.k8s.io/v1';
export const GATEWAY_API_ALPHA = 'gateway.networking.k8s.io/v1alpha2';

const TARGET = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
const BACKEND = { group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'origin' };

/** What a test says of an object besides its kind. */
type Content = { readonly metadata?: JsonObject; readonly spec?: JsonObject };

/** The policy of the tutorial, with other fields if they are given. */
export function policy(name: string, { metadata, spec }: Content = {}): JsonObject {
  return object(AGENTGATEWAY, 'AgentgatewayPolicy', name, metadata, {
    targetRefs: [TARGET],
    frontend: { tcp: { keepalive: { retries: 3, time: '30s', interval: '5s' } } },
    ...spec,
  });
}

/** A policy with these keepalive settings alone. */
export function keepalive(name: string, settings: JsonObject, metadata?: JsonObject): JsonObject {
  return policy(name, { spec: { frontend: { tcp: { keepalive: settings } } }, ...(metadata && { metadata }) });
}

export function backend(name: string, spec: JsonObject = { static: { host: 'origin.example', port: 80 } }): JsonObject {
  return object(AGENTGATEWAY, 'AgentgatewayBackend', name, {}, spec);
}

export function gateway(name: string, spec: JsonObject = {}): JsonObject {
  return object(
    GATEWAY_API,
    'Gateway',
    name,
    {},
    {
      gatewayClassName: 'agentgateway',
      listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }],
      ...spec,
    },
  );
}

export function gatewayClass(name: string, spec: JsonObject = {}): JsonObject {
  return object(GATEWAY_API, 'GatewayClass', name, {}, { controllerName: 'agentgateway.dev/agentgateway', ...spec });
}

export function httpRoute(name: string, spec: JsonObject = {}): JsonObject {
  return object(
    GATEWAY_API,
    'HTTPRoute',
    name,
    {},
    {
      parentRefs: [{ name: 'edge' }],
      rules: [{ backendRefs: [BACKEND] }],
      ...spec,
    },
  );
}

export function tcpRoute(name: string, spec: JsonObject = {}): JsonObject {
  return object(
    GATEWAY_API_ALPHA,
    'TCPRoute',
    name,
    {},
    {
      parentRefs: [{ name: 'edge' }],
      rules: [{ backendRefs: [BACKEND] }],
      ...spec,
    },
  );
}

export function tlsRoute(name: string, spec: JsonObject = {}): JsonObject {
  return object(
    GATEWAY_API_ALPHA,
    'TLSRoute',
    name,
    {},
    {
      hostnames: ['a.example.com'],
      parentRefs: [{ name: 'edge' }],
      rules: [{ backendRefs: [BACKEND] }],
      ...spec,
    },
  );
}

export function namespace(name: string, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...metadata } };
}

/** Objects in one body, as kubectl prints and reads them. */
export function list(...items: readonly JsonObject[]): JsonObject {
  return { apiVersion: 'v1', kind: 'List', items };
}

/** The collection of a kind in a namespace. */
export function policiesPath(inNamespace: string): string {
  return `/apis/${AGENTGATEWAY}/namespaces/${inNamespace}/agentgatewaypolicies`;
}

function object(
  apiVersion: string,
  kind: string,
  name: string,
  metadata: JsonObject | undefined,
  spec: JsonObject,
): JsonObject {
  return { apiVersion, kind, metadata: { name, ...metadata }, spec };
}
