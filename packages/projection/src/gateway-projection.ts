import { type HttpRouteSpec, type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import type {
  Backend,
  Bind,
  GatewayName,
  GatewayResource,
  HttpRoute,
  Listener,
  Policy,
  RouteMatch,
  TcpRoute,
  WeightedBackend,
} from './gateway/resource.ts';
import { ownerOf } from './gateway-class.ts';
import { type ListenerCertificates, listenerCertificates } from './listener-certificates.ts';
import { bindProtocolOf, type GatewayListener, listenerFaults } from './listener-fault.ts';
import { type WinningClaim, winningClaims } from './policy-attachment.ts';
import { inlinePolicies, toPolicy } from './policy-resource.ts';
import { routesOf, servedHostnames } from './route-attachment.ts';
import { hostnamesOf } from './route-object.ts';
import { backendRef, gatewayRef, qualifiedName, specOf } from './typed-object.ts';
import type { World } from './world/world.ts';

/** A gateway's resources by the object that they come from; see {@link projectGateway}. */
export type GatewayParts = ReadonlyMap<string, readonly GatewayResource[]>;

/**
 * Everything that the workers of a gateway need, and nothing else, in parts: one for the gateway itself, one for each
 * route, one for each backend, each with the policies on it. Empty when there is no such gateway of ours. Parts that are
 * given as known are not made again.
 */
export function projectGateway(world: World, name: GatewayName, known: GatewayParts): GatewayParts {
  const gateway = world.object(gatewayRef(name.namespace, name.name));
  if (gateway === undefined || ownerOf(world, gateway) !== 'ours') return new Map();
  const parts = new Map<string, readonly GatewayResource[]>();
  const add = (ref: ObjectRef, make: () => readonly GatewayResource[]): void => {
    const key = refKey(ref);
    if (!parts.has(key)) parts.set(key, known.get(key) ?? make());
  };
  add(gateway.ref, () => gatewayPart(world, gateway, winningClaims(world, gateway)));
  const routes = routesOf(world, gateway);
  for (const { route, listeners } of routes) add(route.ref, () => routePart(world, gateway, route.ref, listeners));
  for (const { route } of routes) {
    for (const backend of route.backends) {
      const ref = backendRef(route.ref.namespace, backend);
      add(ref, () => backendPart(world, ref));
    }
  }
  return parts;
}

/** The part that is about the gateway itself; `claims` are those in force on it. */
export function gatewayPart(
  world: World,
  gateway: StoredObject,
  claims: readonly WinningClaim[],
): readonly (Bind | Listener | Policy)[] {
  const { listeners: all } = specOf('Gateway', gateway);
  const faults = listenerFaults(all);
  const served = all.flatMap((listener) => {
    const tls = listenerCertificates(world, gateway, listener);
    return faults.has(listener) || tls?.certificates.length === 0 ? [] : [{ listener, tls }];
  });
  return [
    ...binds(
      gateway,
      served.map(({ listener }) => listener),
    ),
    ...served.map(({ listener, tls }) => toListener(gateway, listener, tls)),
    ...claims.map(toPolicy),
  ];
}

function binds(gateway: StoredObject, listeners: readonly GatewayListener[]): readonly Bind[] {
  const ports = new Map(listeners.map((listener) => [listener.port, listener]));
  return [...ports.values()].map((listener) => ({
    kind: 'bind',
    key: bindKey(gateway, listener),
    port: listener.port,
    protocol: bindProtocolOf(listener),
  }));
}

/** The key of a listener's bind. */
export function bindKey(gateway: StoredObject, { port }: GatewayListener): string {
  return `${port}/${qualifiedName(gateway)}`;
}

/** The key of a listener. */
export function listenerKey(gateway: StoredObject, { name }: GatewayListener): string {
  return `${qualifiedName(gateway)}.${name}`;
}

function toListener(gateway: StoredObject, listener: GatewayListener, tls: ListenerCertificates | undefined): Listener {
  return {
    kind: 'listener',
    key: listenerKey(gateway, listener),
    bindKey: bindKey(gateway, listener),
    gateway: { namespace: gateway.ref.namespace, name: gateway.ref.name },
    listenerName: listener.name,
    hostname: listener.hostname ?? '',
    protocol: listener.protocol === 'HTTPS' ? 'https' : bindProtocolOf(listener),
    ...(tls && { tls: { certificates: tls.certificates } }),
  };
}

function routePart(
  world: World,
  gateway: StoredObject,
  ref: ObjectRef,
  listeners: readonly GatewayListener[],
): readonly GatewayResource[] {
  const route = world.object(ref);
  if (route === undefined) return [];
  const rules = listeners.flatMap((listener): readonly GatewayResource[] =>
    ref.kind === 'HTTPRoute' ? httpRoutes(gateway, route, listener) : tcpRoutes(gateway, route, listener),
  );
  return [...rules, ...winningClaims(world, route).map(toPolicy)];
}

function httpRoutes(gateway: StoredObject, route: StoredObject, listener: GatewayListener): readonly HttpRoute[] {
  return (specOf('HTTPRoute', route).rules ?? []).map((rule, index) => ({
    kind: 'route',
    ...routeHead(gateway, route, listener, index, rule.name),
    hostnames: servedHostnames({ hostnames: hostnamesOf(route) }, listener) ?? [],
    matches: (rule.matches ?? [{}]).map(toMatch),
    backends: toBackends(route, rule.backendRefs ?? []),
  }));
}

function tcpRoutes(gateway: StoredObject, route: StoredObject, listener: GatewayListener): readonly TcpRoute[] {
  return specOf('TCPRoute', route).rules.map((rule, index) => ({
    kind: 'tcp_route',
    ...routeHead(gateway, route, listener, index, rule.name),
    hostnames: servedHostnames({ hostnames: hostnamesOf(route) }, listener) ?? [],
    backends: toBackends(route, rule.backendRefs),
  }));
}

/** One resource for each rule and listener, numbered so that keys sort as the rules stand. */
function routeHead(
  gateway: StoredObject,
  route: StoredObject,
  listener: GatewayListener,
  rule: number,
  ruleName?: string,
) {
  const { kind, namespace, name } = route.ref;
  return {
    key: `${namespace}/${name}.${String(rule).padStart(2, '0')}.${kind.slice(0, -'Route'.length).toLowerCase()}:${listenerKey(gateway, listener)}`,
    listenerKey: listenerKey(gateway, listener),
    name: { kind, namespace, name, ...(ruleName !== undefined && { ruleName }) },
  };
}

type SpecMatch = NonNullable<NonNullable<HttpRouteSpec['rules']>[number]['matches']>[number];

const PATH_TYPES = { Exact: 'exact', PathPrefix: 'prefix', RegularExpression: 'regex' } as const;

function toMatch({ path, headers, method }: SpecMatch): RouteMatch {
  return {
    path: { type: PATH_TYPES[path?.type ?? 'PathPrefix'], value: path?.value ?? '/' },
    headers: (headers ?? []).map((header) => ({
      name: header.name.toLowerCase(),
      match: { type: header.type === 'RegularExpression' ? 'regex' : 'exact', value: header.value },
    })),
    ...(method !== undefined && { method }),
  };
}

/** A backend of another namespace is not sent: there is no ReferenceGrant to allow it. Its share is answered with 500. */
function toBackends(
  route: StoredObject,
  refs: readonly { readonly namespace?: string; readonly name: string; readonly weight?: number }[],
): readonly WeightedBackend[] {
  return refs.map(({ namespace = route.ref.namespace, name, weight = 1 }) => ({
    backendKey: namespace === route.ref.namespace ? `${namespace}/${name}` : '',
    weight,
  }));
}

function backendPart(world: World, ref: ObjectRef): readonly (Backend | Policy)[] {
  const stored = world.object(ref);
  if (stored === undefined) return [];
  const backend = toBackend(stored);
  return backend === undefined ? [] : [backend, ...winningClaims(world, stored).map(toPolicy)];
}

/** An AgentgatewayBackend as workers get it; only those with a fixed address. */
export function toBackend(stored: StoredObject): Backend | undefined {
  const { namespace, name } = stored.ref;
  const { static: address, policies } = specOf('AgentgatewayBackend', stored);
  if (address === undefined) return undefined;
  const { host, port } = address;
  const key = `${namespace}/${name}`;
  return { kind: 'backend', key, namespace, name, host, port, inlinePolicies: inlinePolicies(policies) };
}
