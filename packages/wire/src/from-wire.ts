import { fromBinary } from '@bufbuild/protobuf';
import {
  type BindProtocol,
  type GatewayResource,
  type HttpRoute,
  type ListenerProtocol,
  type ListenerTls,
  PrivateKey,
  type RouteMatch,
  type RouteName,
  type StringMatch,
  type WeightedBackend,
} from '@pulseplane/projection/gateway';
import { known, Nonsense, portNumber, present, regex, required } from './field-checks.ts';
import {
  type Backend,
  type Bind,
  Bind_Protocol,
  type HeaderMatch,
  type Listener,
  Protocol,
  ResourceSchema,
  type Route,
  type RouteBackend,
  type RouteMatch as RouteMatchMessage,
  type RouteName as RouteNameMessage,
  type TCPRoute,
  type TLSConfig,
} from './gen/agentgateway/dev/resource/resource_pb.ts';
import { fromBackendPolicy, fromPolicy } from './policy-from-wire.ts';

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

const BIND_PROTOCOLS = new Map<Bind_Protocol, BindProtocol>([
  [Bind_Protocol.HTTP, 'http'],
  [Bind_Protocol.TCP, 'tcp'],
  [Bind_Protocol.TLS, 'tls'],
]);

const LISTENER_PROTOCOLS = new Map<Protocol, ListenerProtocol>([
  [Protocol.HTTP, 'http'],
  [Protocol.HTTPS, 'https'],
  [Protocol.TCP, 'tcp'],
  [Protocol.TLS, 'tls'],
]);

function fromBind({ key, port, protocol }: Bind): GatewayResource {
  return {
    kind: 'bind',
    key: required('bind.key', key),
    port: portNumber('bind.port', port),
    protocol: known('bind.protocol', protocol, BIND_PROTOCOLS),
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
    protocol: known('listener.protocol', listener.protocol, LISTENER_PROTOCOLS),
    ...(listener.tls && { tls: fromTlsConfig(listener.tls) }),
  };
}

function fromTlsConfig({ moreCertificates, ...first }: TLSConfig): ListenerTls {
  return {
    certificates: [first, ...moreCertificates].map(({ cert, privateKey }) => ({
      chain: utf8('listener.tls.cert', cert),
      key: new PrivateKey(utf8('listener.tls.private_key', privateKey)),
    })),
  };
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
    hostnames: route.hostnames,
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

function fromBackend({ key, name, kind, inlinePolicies }: Backend): GatewayResource {
  const names = present('backend.name', name);
  if (kind.case !== 'static') throw new Nonsense('backend.kind: only static is supported by this worker');
  return {
    kind: 'backend',
    key: required('backend.key', key),
    namespace: names.namespace,
    name: names.name,
    host: required('backend.static.host', kind.value.host),
    port: portNumber('backend.static.port', kind.value.port),
    inlinePolicies: inlinePolicies.map((policy) => fromBackendPolicy('backend.inline_policies', policy)),
  };
}

function utf8(field: string, bytes: Uint8Array): string {
  return required(field, new TextDecoder().decode(bytes));
}
