import { createRegistry, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';
import type {
  Backend,
  BackendPolicy,
  BackendTarget,
  FrontendPolicy,
  FrontendTarget,
  GatewayResource,
  HttpRoute,
  Listener,
  RouteMatch,
  TcpRoute,
} from '@pulseplane/projection/gateway';
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  HttpConnectionManagerSchema,
  HttpProtocolOptionsSchema,
  ListenerSchema,
  PreserveCaseFormatterConfigSchema,
  ProxyProtocolSchema,
  RouteConfigurationSchema,
  RouterSchema,
  TcpProxySchema,
  TlsInspectorSchema,
} from '@pulseplane/wire/envoy';
import type { EnvoyResource } from '../envoy-resource.ts';

export const GATEWAY = { namespace: 'ns', name: 'gw' };
export const WEB = { kind: 'HTTPRoute', namespace: 'ns', name: 'web' };
const RAW = { kind: 'TCPRoute', namespace: 'ns', name: 'raw' };

/** HTTP on 3000 and TCP on 3001, all of both to the backend `ns/up`. */
export const BOTH: readonly GatewayResource[] = [
  { kind: 'bind', key: '3000/ns/gw', port: 3000, protocol: 'http' },
  { kind: 'bind', key: '3001/ns/gw', port: 3001, protocol: 'tcp' },
  listener('http'),
  listener('tcp'),
  httpRoute({ name: WEB }),
  {
    kind: 'tcp_route',
    hostnames: [],
    key: 'ns/raw.00.tcp:ns/gw.tcp',
    listenerKey: 'ns/gw.tcp',
    name: RAW,
    backends: [{ backendKey: 'ns/up', weight: 1 }],
  },
  backend('up'),
];

export function listener(listenerName: 'http' | 'tcp', hostname = '', key = `ns/gw.${listenerName}`): GatewayResource {
  const bindKey = listenerName === 'http' ? '3000/ns/gw' : '3001/ns/gw';
  return { kind: 'listener', key, bindKey, gateway: GATEWAY, listenerName, hostname, protocol: listenerName };
}

/** On port 3002. */
export function tlsListener(listenerName: string, hostname: string): Listener {
  const key = `ns/gw.${listenerName}`;
  return { kind: 'listener', key, bindKey: '3002/ns/gw', gateway: GATEWAY, listenerName, hostname, protocol: 'tls' };
}

export function tlsRoute(key: string, on: string, hostnames: readonly string[], weight = 1): TcpRoute {
  const name = { kind: 'TLSRoute', namespace: 'ns', name: key };
  const backends = [{ backendKey: 'ns/up', weight }];
  return { kind: 'tcp_route', key, listenerKey: `ns/gw.${on}`, name, hostnames, backends };
}

export function httpRoute(parts: Partial<HttpRoute>, path = '/'): HttpRoute {
  const matches: readonly RouteMatch[] = [{ path: { type: 'prefix', value: path }, headers: [] }];
  const backends = [{ backendKey: 'ns/up', weight: 1 }];
  const key = 'ns/web.00.http:ns/gw.http';
  return { kind: 'route', key, listenerKey: 'ns/gw.http', name: WEB, hostnames: [], matches, backends, ...parts };
}

export function backend(name: string, host = '127.0.0.1', inlinePolicies: Backend['inlinePolicies'] = []): Backend {
  return { kind: 'backend', key: `ns/${name}`, namespace: 'ns', name, host, port: 9000, inlinePolicies };
}

export function frontendPolicy(
  frontend: FrontendPolicy,
  target: FrontendTarget = { gateway: GATEWAY },
): GatewayResource {
  const { section } = frontend;
  const key = `frontend/ns/p:frontend-${section}:${target.port ?? ''}`;
  return { kind: 'policy', key, name: { kind: 'AgentgatewayPolicy', namespace: 'ns', name: 'p' }, target, frontend };
}

export function backendPolicy(settings: BackendPolicy, target: BackendTarget = { gateway: GATEWAY }): GatewayResource {
  const key = `backend/ns/q:backend-${settings.section}:${JSON.stringify(target)}`;
  const name = { kind: 'AgentgatewayPolicy', namespace: 'ns', name: 'q' };
  return { kind: 'policy', key, name, target, backend: settings };
}

const TYPES = [ListenerSchema, RouteConfigurationSchema, ClusterSchema, ClusterLoadAssignmentSchema];
const REGISTRY = createRegistry(
  ...TYPES,
  HttpConnectionManagerSchema,
  TcpProxySchema,
  RouterSchema,
  HttpProtocolOptionsSchema,
  PreserveCaseFormatterConfigSchema,
  ProxyProtocolSchema,
  TlsInspectorSchema,
);

/** The resource of a type (`Listener`) and name, as Envoy's own JSON. */
export function resourceOf(resources: readonly EnvoyResource[], type: string, name: string): JsonValue | undefined {
  const schema = TYPES.find(({ name }) => name === type);
  const found = resources.find((one) => one.typeUrl.endsWith(`.${type}`) && one.name === name);
  if (schema === undefined || found === undefined) return undefined;
  return toJson(schema, fromBinary(schema, found.value), { registry: REGISTRY, useProtoFieldName: true });
}

/** What is at a path of fields and indexes: `filter_chains.0.filters`. */
export function at(value: JsonValue | undefined, path: string): JsonValue | undefined {
  return path.split('.').reduce<JsonValue | undefined>((inner, step) => {
    if (Array.isArray(inner)) return inner[Number(step)];
    return typeof inner === 'object' && inner !== null ? inner[step] : undefined;
  }, value);
}
