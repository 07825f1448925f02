import type { Duration } from '@bufbuild/protobuf/wkt';
import type {
  BackendPolicy,
  BackendTarget,
  FrontendPolicy,
  GatewayName,
  HttpSettings,
  HttpVersion,
  Policy,
  PolicyOnFrontend,
  ProxyProtocol,
  TcpKeepalive,
  TlsSettings,
} from '@pulseplane/projection/gateway';
import { known, Nonsense, portNumber, positive, present, range, required } from './field-checks.ts';
import {
  type BackendPolicySpec,
  type BackendPolicySpec_BackendHTTP,
  BackendPolicySpec_BackendHTTP_HttpVersion,
  type BackendPolicySpec_BackendTCP,
  type FrontendPolicySpec,
  type FrontendPolicySpec_HTTP,
  FrontendPolicySpec_HTTP_HeaderCase,
  type FrontendPolicySpec_ProxyProtocol,
  FrontendPolicySpec_ProxyProtocol_Mode,
  FrontendPolicySpec_ProxyProtocol_Version,
  type FrontendPolicySpec_TLS,
  type KeepaliveConfig,
  type Policy as PolicyMessage,
  type PolicyTarget_GatewayTarget,
  type PolicyTarget as PolicyTargetMessage,
} from './gen/agentgateway/dev/resource/resource_pb.ts';
import { namesOf, TLS_CIPHER_SUITES, TLS_GROUPS, TLS_VERSIONS } from './tls-names.ts';

/** A policy with its target. Throws {@link Nonsense}. */
export function fromPolicy({ key, name, target, kind }: PolicyMessage): Policy {
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

/** A section of a backend policy, also one that a backend carries inline; `field` begins its errors. Throws {@link Nonsense}. */
export function fromBackendPolicy(field: string, { kind }: BackendPolicySpec): BackendPolicy {
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
