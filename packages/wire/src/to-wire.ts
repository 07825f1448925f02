import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import type {
  BackendPolicy,
  BackendTarget,
  BindProtocol,
  FrontendPolicy,
  GatewayResource,
  ListenerProtocol,
  ListenerTls,
  Policy,
  TcpKeepalive,
  TlsSettings,
  WeightedBackend,
} from '@pulseplane/projection/gateway';
import {
  BackendPolicySpec_BackendHTTP_HttpVersion,
  type BackendPolicySpecSchema,
  Bind_Protocol,
  FrontendPolicySpec_HTTP_HeaderCase,
  FrontendPolicySpec_ProxyProtocol_Mode,
  FrontendPolicySpec_ProxyProtocol_Version,
  type FrontendPolicySpec_TLSSchema,
  type FrontendPolicySpecSchema,
  type KeepaliveConfigSchema,
  type PolicySchema,
  type PolicyTargetSchema,
  Protocol,
  type ResourceSchema as ResourceMessage,
  ResourceSchema,
  type RouteBackendSchema,
  type TLSConfigSchema,
} from './gen/agentgateway/dev/resource/resource_pb.ts';
import { TLS_CIPHER_SUITES, TLS_GROUPS, TLS_VERSIONS } from './tls-names.ts';

type Init = MessageInitShape<typeof ResourceMessage>;

/** The type of every gateway resource on an xDS stream. */
export const RESOURCE_TYPE_URL: string = `type.googleapis.com/${ResourceSchema.typeName}`;

/** A gateway resource as the bytes of an `agentgateway.dev.resource.Resource`. Equal resources give equal bytes. */
export function encodeResource(resource: GatewayResource): Uint8Array {
  return toBinary(ResourceSchema, create(ResourceSchema, toMessage(resource)));
}

function toMessage(resource: GatewayResource): Init {
  switch (resource.kind) {
    case 'bind': {
      const { key, port } = resource;
      const protocol = BIND_PROTOCOLS[resource.protocol];
      return { kind: { case: 'bind', value: { key, port, protocol } } };
    }
    case 'listener': {
      const { key, bindKey, gateway, listenerName, hostname, tls } = resource;
      const name = { gatewayName: gateway.name, gatewayNamespace: gateway.namespace, listenerName };
      const protocol = LISTENER_PROTOCOLS[resource.protocol];
      const value = { key, bindKey, name, hostname, protocol, ...(tls && { tls: toTlsConfig(tls) }) };
      return { kind: { case: 'listener', value } };
    }
    case 'route': {
      const { key, listenerKey, name, hostnames } = resource;
      const matches = resource.matches.map(({ path, headers, method }) => ({
        path: { kind: { case: PATH_CASES[path.type], value: path.value } },
        headers: headers.map(({ name, match }) => ({ name, value: { case: match.type, value: match.value } })),
        ...(method !== undefined && { method: { exact: method } }),
      }));
      const backends = resource.backends.map(toRouteBackend);
      return {
        kind: { case: 'route', value: { key, listenerKey, name, hostnames: [...hostnames], matches, backends } },
      };
    }
    case 'tcp_route': {
      const { key, listenerKey, name, hostnames } = resource;
      const backends = resource.backends.map(toRouteBackend);
      return { kind: { case: 'tcpRoute', value: { key, listenerKey, name, hostnames: [...hostnames], backends } } };
    }
    case 'backend': {
      const { key, namespace, name, host, port } = resource;
      const kind = { case: 'static' as const, value: { host, port } };
      const inlinePolicies = resource.inlinePolicies.map(toBackend);
      return { kind: { case: 'backend', value: { key, name: { namespace, name }, kind, inlinePolicies } } };
    }
    case 'policy':
      return { kind: { case: 'policy', value: toPolicy(resource) } };
    default:
      return resource satisfies never;
  }
}

const BIND_PROTOCOLS = {
  http: Bind_Protocol.HTTP,
  tcp: Bind_Protocol.TCP,
  tls: Bind_Protocol.TLS,
} as const satisfies Record<BindProtocol, Bind_Protocol>;

const LISTENER_PROTOCOLS = {
  http: Protocol.HTTP,
  https: Protocol.HTTPS,
  tcp: Protocol.TCP,
  tls: Protocol.TLS,
} as const satisfies Record<ListenerProtocol, Protocol>;

function toTlsConfig({ certificates }: ListenerTls): MessageInitShape<typeof TLSConfigSchema> {
  const [first, ...moreCertificates] = certificates.map(({ chain, key }) => ({
    cert: utf8(chain),
    privateKey: utf8(key.reveal()),
  }));
  return { ...first, moreCertificates };
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

const PATH_CASES = { exact: 'exact', prefix: 'pathPrefix', regex: 'regex' } as const;

function toRouteBackend({ backendKey, weight }: WeightedBackend): MessageInitShape<typeof RouteBackendSchema> {
  return { backend: { kind: { case: 'backend', value: backendKey } }, weight };
}

function toPolicy(policy: Policy): MessageInitShape<typeof PolicySchema> {
  const { key, name } = policy;
  if ('backend' in policy) {
    const kind = { case: 'backend' as const, value: toBackend(policy.backend) };
    return { key, name, target: { kind: toBackendTarget(policy.target) }, kind };
  }
  const { gateway, port } = policy.target;
  const target = { ...gateway, ...(port !== undefined && { port }) };
  const kind = { case: 'frontend' as const, value: toFrontend(policy.frontend) };
  return { key, name, target: { kind: { case: 'gateway', value: target } }, kind };
}

function toBackendTarget(target: BackendTarget): NonNullable<MessageInitShape<typeof PolicyTargetSchema>['kind']> {
  if ('gateway' in target) {
    const { gateway, listener } = target;
    return { case: 'gateway', value: { ...gateway, ...(listener !== undefined && { listener }) } };
  }
  if ('route' in target) {
    const { ruleName, ...route } = target.route;
    return { case: 'route', value: { ...route, ...(ruleName !== undefined && { routeRule: ruleName }) } };
  }
  return { case: 'backend', value: target.backend };
}

const HTTP_VERSIONS = {
  http1: BackendPolicySpec_BackendHTTP_HttpVersion.HTTP1,
  http2: BackendPolicySpec_BackendHTTP_HttpVersion.HTTP2,
} as const;

function toBackend(policy: BackendPolicy): MessageInitShape<typeof BackendPolicySpecSchema> {
  if (policy.section === 'tcp') {
    const { connectTimeoutMs, keepalive } = policy;
    const value = {
      ...(keepalive !== undefined && { keepalive: toKeepalive(keepalive) }),
      ...(connectTimeoutMs !== undefined && { connectTimeout: toDuration(connectTimeoutMs) }),
    };
    return { kind: { case: 'backendTcp', value } };
  }
  const { version, requestTimeoutMs } = policy;
  const value = {
    ...(version !== undefined && { version: HTTP_VERSIONS[version] }),
    ...(requestTimeoutMs !== undefined && { requestTimeout: toDuration(requestTimeoutMs) }),
  };
  return { kind: { case: 'backendHttp', value } };
}

function toKeepalive({ timeMs, intervalMs, retries }: TcpKeepalive): MessageInitShape<typeof KeepaliveConfigSchema> {
  return {
    ...(timeMs !== undefined && { time: toDuration(timeMs) }),
    ...(intervalMs !== undefined && { interval: toDuration(intervalMs) }),
    ...(retries !== undefined && { retries }),
  };
}

const PROXY_MODES = {
  strict: FrontendPolicySpec_ProxyProtocol_Mode.STRICT,
  optional: FrontendPolicySpec_ProxyProtocol_Mode.OPTIONAL,
} as const;

const PROXY_VERSIONS = {
  v1: FrontendPolicySpec_ProxyProtocol_Version.V1,
  v2: FrontendPolicySpec_ProxyProtocol_Version.V2,
  all: FrontendPolicySpec_ProxyProtocol_Version.ALL,
} as const;

function toFrontend(policy: FrontendPolicy): MessageInitShape<typeof FrontendPolicySpecSchema> {
  if (policy.section === 'tcp') {
    return { kind: { case: 'tcp', value: { keepalives: toKeepalive(policy.keepalive) } } };
  }
  if (policy.section === 'tls') return { kind: { case: 'tls', value: toTls(policy.tls) } };
  if (policy.section === 'proxyProtocol') {
    const { mode, version } = policy.proxyProtocol;
    return { kind: { case: 'proxyProtocol', value: { mode: PROXY_MODES[mode], version: PROXY_VERSIONS[version] } } };
  }
  const {
    http1IdleTimeoutMs,
    http2KeepaliveIntervalMs,
    http2KeepaliveTimeoutMs,
    maxConnectionDurationMs,
    http1HeaderCase,
    ...sizes
  } = policy.http;
  return {
    kind: {
      case: 'http',
      value: {
        ...sizes,
        ...(http1HeaderCase !== undefined && {
          http1HeaderCase:
            http1HeaderCase === 'preserve'
              ? FrontendPolicySpec_HTTP_HeaderCase.PRESERVE
              : FrontendPolicySpec_HTTP_HeaderCase.LOWERCASE,
        }),
        ...(http1IdleTimeoutMs !== undefined && { http1IdleTimeout: toDuration(http1IdleTimeoutMs) }),
        ...(http2KeepaliveIntervalMs !== undefined && { http2KeepaliveInterval: toDuration(http2KeepaliveIntervalMs) }),
        ...(http2KeepaliveTimeoutMs !== undefined && { http2KeepaliveTimeout: toDuration(http2KeepaliveTimeoutMs) }),
        ...(maxConnectionDurationMs !== undefined && { maxConnectionDuration: toDuration(maxConnectionDurationMs) }),
      },
    },
  };
}

function toTls(tls: TlsSettings): MessageInitShape<typeof FrontendPolicySpec_TLSSchema> {
  const { handshakeTimeoutMs, alpnProtocols, cipherSuites = [], keyExchangeGroups = [], minVersion, maxVersion } = tls;
  return {
    ...(handshakeTimeoutMs !== undefined && { handshakeTimeout: toDuration(handshakeTimeoutMs) }),
    ...(alpnProtocols !== undefined && { alpn: { protocols: [...alpnProtocols] } }),
    cipherSuites: cipherSuites.map((name) => TLS_CIPHER_SUITES[name]),
    keyExchangeGroups: keyExchangeGroups.map((name) => TLS_GROUPS[name]),
    ...(minVersion !== undefined && { minVersion: TLS_VERSIONS[minVersion] }),
    ...(maxVersion !== undefined && { maxVersion: TLS_VERSIONS[maxVersion] }),
  };
}

function toDuration(milliseconds: number): Duration {
  const nanos = (milliseconds % 1000) * 1_000_000;
  return create(DurationSchema, { seconds: BigInt(Math.trunc(milliseconds / 1000)), nanos });
}
