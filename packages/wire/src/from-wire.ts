import { fromBinary } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import {
  type BackendPolicy,
  type BackendTarget,
  type BindProtocol,
  type FrontendPolicy,
  type GatewayName,
  type GatewayResource,
  type HttpRoute,
  type HttpSettings,
  type HttpVersion,
  type ListenerProtocol,
  type ListenerTls,
  type Policy,
  type PolicyOnFrontend,
  PrivateKey,
  type ProxyProtocol,
  type RouteMatch,
  type RouteName,
  type StringMatch,
  type TcpKeepalive,
  type TlsSettings,
  type WeightedBackend,
} from '@pulseplane/projection/gateway';
import { RE2JS } from 're2js';
import {
  type Backend,
  type BackendPolicySpec,
  type BackendPolicySpec_BackendHTTP,
  BackendPolicySpec_BackendHTTP_HttpVersion,
  type BackendPolicySpec_BackendTCP,
  type Bind,
  Bind_Protocol,
  type FrontendPolicySpec,
  type FrontendPolicySpec_HTTP,
  FrontendPolicySpec_HTTP_HeaderCase,
  type FrontendPolicySpec_ProxyProtocol,
  FrontendPolicySpec_ProxyProtocol_Mode,
  FrontendPolicySpec_ProxyProtocol_Version,
  type FrontendPolicySpec_TLS,
  type HeaderMatch,
  type KeepaliveConfig,
  type Listener,
  type Policy as PolicyMessage,
  type PolicyTarget_GatewayTarget,
  type PolicyTarget as PolicyTargetMessage,
  Protocol,
  ResourceSchema,
  type Route,
  type RouteBackend,
  type RouteMatch as RouteMatchMessage,
  type RouteName as RouteNameMessage,
  type TCPRoute,
  type TLSConfig,
} from './gen/agentgateway/dev/resource/resource_pb.ts';
import { namesOf, TLS_CIPHER_SUITES, TLS_GROUPS, TLS_VERSIONS } from './tls-names.ts';

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

function utf8(field: string, bytes: Uint8Array): string {
  return required(field, new TextDecoder().decode(bytes));
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

function fromPolicy({ key, name, target, kind }: PolicyMessage): Policy {
  const names = present('policy.name', name);
  const head = {
    kind: 'policy' as const,
    key: required('policy.key', key),
    name: { kind: names.kind, namespace: names.namespace, name: names.name },
  };
  switch (kind.case) {
    case 'frontend':
      return { ...head, target: frontendTarget(target), frontend: fromFrontend(kind.value) };
    case 'backend':
      return { ...head, target: backendTarget(target), backend: fromBackendPolicy('policy.backend', kind.value) };
    case undefined:
      throw new Nonsense('policy.kind: only frontend and backend are supported by this worker');
    default:
      return kind satisfies never;
  }
}

function frontendTarget(target: PolicyTargetMessage | undefined): PolicyOnFrontend['target'] {
  if (target?.kind.case !== 'gateway') {
    throw new Nonsense('policy.target: only a gateway is supported on a frontend policy');
  }
  const { listener, port } = target.kind.value;
  if (listener !== undefined) {
    throw new Nonsense('policy.target.gateway.listener: is not supported on a frontend policy');
  }
  return {
    gateway: gatewayName(target.kind.value),
    ...(port !== undefined && { port: portNumber('policy.target.gateway.port', port) }),
  };
}

function backendTarget(target: PolicyTargetMessage | undefined): BackendTarget {
  const { kind } = present('policy.target', target);
  switch (kind.case) {
    case 'gateway': {
      const { listener, port } = kind.value;
      if (port !== undefined) throw new Nonsense('policy.target.gateway.port: is not supported on a backend policy');
      return { gateway: gatewayName(kind.value), ...(listener !== undefined && { listener }) };
    }
    case 'route': {
      const { kind: routeKind, namespace, name, routeRule } = kind.value;
      return { route: { kind: routeKind, namespace, name, ...(routeRule !== undefined && { ruleName: routeRule }) } };
    }
    case 'backend': {
      const { namespace, name, section } = kind.value;
      if (section !== undefined) {
        throw new Nonsense(`policy.target.backend.section: ${section} is not a section of a static backend`);
      }
      return { backend: { namespace, name } };
    }
    case undefined:
      throw new Nonsense('policy.target: is missing or not known to this worker');
    default:
      return kind satisfies never;
  }
}

function gatewayName({ namespace, name }: PolicyTarget_GatewayTarget): GatewayName {
  return { namespace, name };
}

function fromFrontend({ kind }: FrontendPolicySpec): FrontendPolicy {
  switch (kind.case) {
    case 'tcp':
      return { section: 'tcp', keepalive: fromKeepalive('policy.frontend.tcp.keepalives', kind.value.keepalives) };
    case 'http':
      return { section: 'http', http: fromHttp(kind.value) };
    case 'tls':
      return { section: 'tls', tls: fromTls(kind.value) };
    case 'proxyProtocol':
      return { section: 'proxyProtocol', proxyProtocol: fromProxyProtocol(kind.value) };
    case undefined:
      throw new Nonsense('policy.frontend: is missing or not known to this worker');
    default:
      return kind satisfies never;
  }
}

const CIPHER_SUITES = namesOf(TLS_CIPHER_SUITES);
const GROUPS = namesOf(TLS_GROUPS);
const VERSIONS = namesOf(TLS_VERSIONS);

function fromTls(tls: FrontendPolicySpec_TLS): TlsSettings {
  const field = 'policy.frontend.tls';
  const { handshakeTimeout, alpn, cipherSuites, keyExchangeGroups, minVersion, maxVersion } = tls;
  const groups = keyExchangeGroups.map((group) => known(`${field}.key_exchange_groups`, group, GROUPS));
  return {
    ...(handshakeTimeout && {
      handshakeTimeoutMs: positive(`${field}.handshake_timeout`, milliseconds(handshakeTimeout)),
    }),
    ...(alpn && { alpnProtocols: alpn.protocols }),
    ...(cipherSuites.length > 0 && {
      cipherSuites: cipherSuites.map((suite) => known(`${field}.cipher_suites`, suite, CIPHER_SUITES)),
    }),
    ...(groups.length > 0 && { keyExchangeGroups: groups }),
    ...(minVersion !== undefined && { minVersion: known(`${field}.min_version`, minVersion, VERSIONS) }),
    ...(maxVersion !== undefined && { maxVersion: known(`${field}.max_version`, maxVersion, VERSIONS) }),
  };
}

const PROXY_MODES = new Map<FrontendPolicySpec_ProxyProtocol_Mode, ProxyProtocol['mode']>([
  [FrontendPolicySpec_ProxyProtocol_Mode.STRICT, 'strict'],
  [FrontendPolicySpec_ProxyProtocol_Mode.OPTIONAL, 'optional'],
]);

const PROXY_VERSIONS = new Map<FrontendPolicySpec_ProxyProtocol_Version, ProxyProtocol['version']>([
  [FrontendPolicySpec_ProxyProtocol_Version.V1, 'v1'],
  [FrontendPolicySpec_ProxyProtocol_Version.V2, 'v2'],
  [FrontendPolicySpec_ProxyProtocol_Version.ALL, 'all'],
]);

function fromProxyProtocol({ mode, version }: FrontendPolicySpec_ProxyProtocol): ProxyProtocol {
  return {
    mode: known('policy.frontend.proxy_protocol.mode', mode, PROXY_MODES),
    version: known('policy.frontend.proxy_protocol.version', version, PROXY_VERSIONS),
  };
}

function fromBackendPolicy(field: string, { kind }: BackendPolicySpec): BackendPolicy {
  switch (kind.case) {
    case 'backendTcp':
      return fromBackendTcp(`${field}.backend_tcp`, kind.value);
    case 'backendHttp':
      return fromBackendHttp(`${field}.backend_http`, kind.value);
    case undefined:
      throw new Nonsense(`${field}: is missing or not known to this worker`);
    default:
      return kind satisfies never;
  }
}

function fromBackendTcp(field: string, { keepalive, connectTimeout }: BackendPolicySpec_BackendTCP): BackendPolicy {
  return {
    section: 'tcp',
    ...(connectTimeout && { connectTimeoutMs: positive(`${field}.connect_timeout`, milliseconds(connectTimeout)) }),
    ...(keepalive && { keepalive: fromKeepalive(`${field}.keepalive`, keepalive) }),
  };
}

function fromBackendHttp(field: string, { version, requestTimeout }: BackendPolicySpec_BackendHTTP): BackendPolicy {
  return {
    section: 'http',
    ...httpVersion(`${field}.version`, version),
    ...(requestTimeout && { requestTimeoutMs: positive(`${field}.request_timeout`, milliseconds(requestTimeout)) }),
  };
}

function httpVersion(
  field: string,
  version: BackendPolicySpec_BackendHTTP_HttpVersion,
): { readonly version?: HttpVersion } {
  switch (version) {
    case BackendPolicySpec_BackendHTTP_HttpVersion.UNSPECIFIED:
      return {};
    case BackendPolicySpec_BackendHTTP_HttpVersion.HTTP1:
      return { version: 'http1' };
    case BackendPolicySpec_BackendHTTP_HttpVersion.HTTP2:
      return { version: 'http2' };
    default:
      throw new Nonsense(`${field}: ${String(version)} is not known to this worker`);
  }
}

/** The ranges are the kernel's: it refuses other values, and then would keep its own defaults silently. */
function fromKeepalive(field: string, keepalive: KeepaliveConfig | undefined): TcpKeepalive {
  const { time, interval, retries } = keepalive ?? {};
  return {
    ...(time && { timeMs: range(`${field}.time`, milliseconds(time), 1000, 32_767_000) }),
    ...(interval && { intervalMs: range(`${field}.interval`, milliseconds(interval), 1000, 32_767_000) }),
    ...(retries !== undefined && { retries: range(`${field}.retries`, retries, 1, 127) }),
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

function known<Wire, Value>(field: string, wire: Wire, values: ReadonlyMap<Wire, Value>): Value {
  const value = values.get(wire);
  if (value === undefined) throw new Nonsense(`${field}: ${String(wire)} is not known to this worker`);
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

function positive(field: string, value: number): number {
  if (value <= 0) throw new Nonsense(`${field}: ${value} must be more than 0`);
  return value;
}

function regex(field: string, value: string): string {
  try {
    RE2JS.compile(value);
  } catch {
    throw new Nonsense(`${field}: ${JSON.stringify(value)} is not a regular expression`);
  }
  return value;
}
