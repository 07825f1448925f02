import { fromBinary } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import type {
  FrontendPolicy,
  GatewayResource,
  HttpRoute,
  HttpSettings,
  ListenerProtocol,
  Policy,
  RouteMatch,
  RouteName,
  StringMatch,
  WeightedBackend,
} from '@pulseplane/projection/gateway';
import {
  type Backend,
  type Bind,
  Bind_Protocol,
  type FrontendPolicySpec,
  type FrontendPolicySpec_HTTP,
  FrontendPolicySpec_HTTP_HeaderCase,
  type FrontendPolicySpec_TCP,
  type HeaderMatch,
  type Listener,
  type Policy as PolicyMessage,
  Protocol,
  ResourceSchema,
  type Route,
  type RouteBackend,
  type RouteMatch as RouteMatchMessage,
  type RouteName as RouteNameMessage,
  type TCPRoute,
} from './gen/agentgateway/dev/resource/resource_pb.ts';

/** A decoded resource, or why it cannot be used: the text of a NACK. */
export type Decoded =
  | { readonly kind: 'decoded'; readonly resource: GatewayResource }
  | { readonly kind: 'rejected'; readonly error: string };

/** Decodes and checks the bytes of an `agentgateway.dev.resource.Resource`. Never throws. */
export function decodeResource(bytes: Uint8Array): Decoded {
  try {
    return { kind: 'decoded', resource: fromMessage(bytes) };
  } catch (error) {
    return { kind: 'rejected', error: error instanceof Error ? error.message : String(error) };
  }
}

/** Thrown and caught in this file only: nonsense deep inside a message rejects the whole resource. */
class Nonsense extends Error {}

function fromMessage(bytes: Uint8Array): GatewayResource {
  const { kind } = fromBinary(ResourceSchema, bytes);
  switch (kind.case) {
    case 'bind':
      return fromBind(kind.value);
    case 'listener':
      return fromListener(kind.value);
    case 'route':
      return fromRoute(kind.value);
    case 'tcpRoute':
      return fromTcpRoute(kind.value);
    case 'backend':
      return fromBackend(kind.value);
    case 'policy':
      return fromPolicy(kind.value);
    case undefined:
      throw new Nonsense('kind: is missing or not known to this worker');
    default:
      return kind satisfies never;
  }
}

function fromBind({ key, port, protocol }: Bind): GatewayResource {
  if (protocol !== Bind_Protocol.HTTP && protocol !== Bind_Protocol.TCP) {
    throw new Nonsense(`bind.protocol: ${protocol} is not supported by this worker`);
  }
  return {
    kind: 'bind',
    key: required('bind.key', key),
    port: portNumber('bind.port', port),
    protocol: protocol === Bind_Protocol.TCP ? 'tcp' : 'http',
  };
}

function fromListener(listener: Listener): GatewayResource {
  const name = present('listener.name', listener.name);
  return {
    kind: 'listener',
    key: required('listener.key', listener.key),
    bindKey: required('listener.bind_key', listener.bindKey),
    gateway: { namespace: name.gatewayNamespace, name: name.gatewayName },
    listenerName: name.listenerName,
    hostname: listener.hostname,
    protocol: listenerProtocol(listener.protocol),
  };
}

function listenerProtocol(protocol: Protocol): ListenerProtocol {
  if (protocol === Protocol.HTTP) return 'http';
  if (protocol === Protocol.TCP) return 'tcp';
  throw new Nonsense(`listener.protocol: ${protocol} is not supported by this worker`);
}

function fromRoute(route: Route): HttpRoute {
  return {
    kind: 'route',
    key: required('route.key', route.key),
    listenerKey: required('route.listener_key', route.listenerKey),
    name: routeName(route.name),
    hostnames: route.hostnames,
    matches: route.matches.map(fromMatch),
    backends: route.backends.map(fromRouteBackend),
  };
}

function fromTcpRoute(route: TCPRoute): GatewayResource {
  return {
    kind: 'tcp_route',
    key: required('tcp_route.key', route.key),
    listenerKey: required('tcp_route.listener_key', route.listenerKey),
    name: routeName(route.name),
    backends: route.backends.map(fromRouteBackend),
  };
}

function routeName(name: RouteNameMessage | undefined): RouteName {
  const { kind, namespace, name: object, ruleName } = present('route.name', name);
  return { kind, namespace, name: object, ...(ruleName !== undefined && { ruleName }) };
}

function fromMatch({ path, headers, method }: RouteMatchMessage): RouteMatch {
  return {
    path: fromPath(path?.kind ?? { case: undefined }),
    headers: headers.map((header) => ({ name: header.name.toLowerCase(), match: fromHeaderMatch(header) })),
    ...(method !== undefined && { method: method.exact }),
  };
}

function fromPath(path: NonNullable<RouteMatchMessage['path']>['kind']): RouteMatch['path'] {
  switch (path.case) {
    case 'exact':
      return { type: 'exact', value: path.value };
    case 'pathPrefix':
      return { type: 'prefix', value: path.value };
    case 'regex':
      return { type: 'regex', value: regex('route.matches.path.regex', path.value) };
    case undefined:
      return { type: 'prefix', value: '/' };
    default:
      return path satisfies never;
  }
}

function fromHeaderMatch({ name, value }: HeaderMatch): StringMatch {
  if (value.case === undefined) throw new Nonsense(`route.matches.headers[${name}]: has no value to match`);
  return value.case === 'exact'
    ? { type: 'exact', value: value.value }
    : { type: 'regex', value: regex(`route.matches.headers[${name}].regex`, value.value) };
}

function fromRouteBackend({ backend, weight }: RouteBackend): WeightedBackend {
  if (backend?.kind.case !== 'backend') throw new Nonsense('backends.backend: only a backend key is supported');
  if (weight < 0) throw new Nonsense(`backends.weight: ${weight} must not be negative`);
  return { backendKey: backend.kind.value, weight };
}

function fromBackend({ key, name, kind }: Backend): GatewayResource {
  const names = present('backend.name', name);
  if (kind.case !== 'static') throw new Nonsense('backend.kind: only static is supported by this worker');
  return {
    kind: 'backend',
    key: required('backend.key', key),
    namespace: names.namespace,
    name: names.name,
    host: required('backend.static.host', kind.value.host),
    port: portNumber('backend.static.port', kind.value.port),
  };
}

function fromPolicy({ key, name, target, kind }: PolicyMessage): Policy {
  const names = present('policy.name', name);
  if (target?.kind.case !== 'gateway') throw new Nonsense('policy.target: only a gateway is supported by this worker');
  if (kind.case !== 'frontend') throw new Nonsense('policy.kind: only frontend is supported by this worker');
  const { namespace, name: gateway, listener, port } = target.kind.value;
  if (listener !== undefined)
    throw new Nonsense('policy.target.gateway.listener: is not supported on a frontend policy');
  return {
    kind: 'policy',
    key: required('policy.key', key),
    name: { kind: names.kind, namespace: names.namespace, name: names.name },
    target: {
      gateway: { namespace, name: gateway },
      ...(port !== undefined && { port: portNumber('policy.target.gateway.port', port) }),
    },
    frontend: fromFrontend(kind.value),
  };
}

function fromFrontend({ kind }: FrontendPolicySpec): FrontendPolicy {
  switch (kind.case) {
    case 'tcp':
      return fromTcp(kind.value);
    case 'http':
      return { section: 'http', http: fromHttp(kind.value) };
    case undefined:
      throw new Nonsense('policy.frontend: is missing or not known to this worker');
    default:
      return kind satisfies never;
  }
}

/** The ranges are the kernel's: it refuses other values, and then would keep its own defaults silently. */
function fromTcp({ keepalives }: FrontendPolicySpec_TCP): FrontendPolicy {
  const time =
    keepalives?.time && range('policy.frontend.tcp.keepalives.time', milliseconds(keepalives.time), 1000, 32_767_000);
  const interval =
    keepalives?.interval &&
    range('policy.frontend.tcp.keepalives.interval', milliseconds(keepalives.interval), 1000, 32_767_000);
  const retries =
    keepalives?.retries === undefined
      ? undefined
      : range('policy.frontend.tcp.keepalives.retries', keepalives.retries, 1, 127);
  return {
    section: 'tcp',
    keepalive: {
      ...(time !== undefined && { timeMs: time }),
      ...(interval !== undefined && { intervalMs: interval }),
      ...(retries !== undefined && { retries }),
    },
  };
}

function fromHttp(http: FrontendPolicySpec_HTTP): HttpSettings {
  return {
    ...defined('maxBufferSize', http.maxBufferSize),
    ...defined('http1MaxHeaders', http.http1MaxHeaders),
    ...defined('http1IdleTimeoutMs', http.http1IdleTimeout && milliseconds(http.http1IdleTimeout)),
    ...(http.http1HeaderCase !== undefined && {
      http1HeaderCase:
        http.http1HeaderCase === FrontendPolicySpec_HTTP_HeaderCase.PRESERVE
          ? ('preserve' as const)
          : ('lowercase' as const),
    }),
    ...defined('http2WindowSize', http.http2WindowSize),
    ...defined('http2ConnectionWindowSize', http.http2ConnectionWindowSize),
    ...defined('http2FrameSize', http.http2FrameSize),
    ...defined('http2MaxHeaderSize', http.http2MaxHeaderSize),
    ...defined('http2KeepaliveIntervalMs', http.http2KeepaliveInterval && milliseconds(http.http2KeepaliveInterval)),
    ...defined('http2KeepaliveTimeoutMs', http.http2KeepaliveTimeout && milliseconds(http.http2KeepaliveTimeout)),
    ...defined('maxConnectionDurationMs', http.maxConnectionDuration && milliseconds(http.maxConnectionDuration)),
  };
}

function defined<Key extends string>(key: Key, value: number | undefined): { [K in Key]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: number });
}

function milliseconds({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + Math.trunc(nanos / 1_000_000);
}

function required(field: string, value: string): string {
  if (value === '') throw new Nonsense(`${field}: is required`);
  return value;
}

function present<Value>(field: string, value: Value | undefined): Value {
  if (value === undefined) throw new Nonsense(`${field}: is required`);
  return value;
}

function portNumber(field: string, port: number): number {
  return range(field, port, 1, 65_535);
}

function range(field: string, value: number, min: number, max: number): number {
  if (value < min || value > max) throw new Nonsense(`${field}: ${value} must be from ${min} to ${max}`);
  return value;
}

function regex(field: string, value: string): string {
  try {
    new RegExp(value, 'u');
  } catch {
    throw new Nonsense(`${field}: ${JSON.stringify(value)} is not a regular expression`);
  }
  return value;
}
