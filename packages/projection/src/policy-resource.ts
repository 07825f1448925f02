import {
  type AgentgatewayBackendSpec,
  type AgentgatewayPolicySpec,
  parseBytes,
  parseDuration,
} from '@pulseplane/resources';
import type {
  BackendPolicy,
  BackendTarget,
  FrontendPolicy,
  FrontendTarget,
  HttpSettings,
  Policy,
  ProxyProtocol,
  TcpKeepalive,
} from './gateway/resource.ts';
import type { TlsSettings } from './gateway/tls-settings.ts';
import type { WinningClaim } from './policy-attachment.ts';
import { type BackendSection, type FrontendSection, isFrontendSection, type Section } from './section.ts';
import { qualifiedName, specOf } from './typed-object.ts';

/** What the keys of policies begin with; as in agentgateway, some with nothing. */
export const KEY_PREFIXES = ['frontend/', 'backend/', ''] as const;

/** What a worker gets of a section that is in force on a target, with agentgateway's key. */
export function toPolicy({ policy, section, target }: WinningClaim): Policy {
  const { kind, namespace, name } = policy.ref;
  const { frontend = {}, backend = {} } = specOf('AgentgatewayPolicy', policy);
  const key = `${keyPrefix(section)}${namespace}/${name}:${keySuffix(section)}:${attachment(target)}`;
  const head = { kind: 'policy', key, name: { kind, namespace, name } } as const;
  return isFrontendSection(section)
    ? { ...head, target: frontendTarget(target), frontend: toFrontend(section, frontend) }
    : { ...head, target: backendTarget(target), backend: toBackend(section, backend) };
}

/** The sections that a backend sets itself. */
export function inlinePolicies(policies: AgentgatewayBackendSpec['policies'] = {}): readonly BackendPolicy[] {
  return [
    ...(policies.tcp === undefined ? [] : [toBackend('backend.tcp', policies)]),
    ...(policies.http === undefined ? [] : [toBackend('backend.http', policies)]),
  ];
}

function keyPrefix(section: Section): (typeof KEY_PREFIXES)[number] {
  if (isFrontendSection(section)) return 'frontend/';
  return section === 'backend.tcp' ? 'backend/' : '';
}

/** agentgateway shortens one of them. */
function keySuffix(section: Section): string {
  return section === 'frontend.proxyProtocol' ? 'frontend-proxy' : section.replace('.', '-');
}

type Target = WinningClaim['target'];

function attachment({ object, part: { port, sectionName } }: Target): string {
  const section = sectionName === undefined ? '' : `/${sectionName}`;
  return `${qualifiedName(object)}${section}${port === undefined ? '' : `/port=${port}`}`;
}

function frontendTarget({ object, part: { port } }: Target): FrontendTarget {
  const { namespace, name } = object.ref;
  return { gateway: { namespace, name }, ...(port !== undefined && { port }) };
}

function backendTarget({ object, part: { sectionName } }: Target): BackendTarget {
  const { kind, namespace, name } = object.ref;
  switch (kind) {
    case 'Gateway':
      return { gateway: { namespace, name }, ...(sectionName !== undefined && { listener: sectionName }) };
    case 'AgentgatewayBackend':
      return { backend: { namespace, name } };
    default:
      return { route: { kind, namespace, name, ...(sectionName !== undefined && { ruleName: sectionName }) } };
  }
}

type Backend = NonNullable<AgentgatewayPolicySpec['backend']>;

const VERSIONS = { HTTP1: 'http1', HTTP2: 'http2' } as const;

function toBackend(section: BackendSection, { tcp, http }: Backend): BackendPolicy {
  if (section === 'backend.http') {
    return {
      section: 'http',
      ...(http?.version !== undefined && { version: VERSIONS[http.version] }),
      ...defined('requestTimeoutMs', milliseconds(http?.requestTimeout)),
    };
  }
  return {
    section: 'tcp',
    ...defined('connectTimeoutMs', milliseconds(tcp?.connectTimeout)),
    ...(tcp?.keepalive !== undefined && { keepalive: toKeepalive(tcp.keepalive) }),
  };
}

type Frontend = NonNullable<AgentgatewayPolicySpec['frontend']>;

function toFrontend(section: FrontendSection, { tcp, http, tls, proxyProtocol }: Frontend): FrontendPolicy {
  switch (section) {
    case 'frontend.tcp':
      return { section: 'tcp', keepalive: toKeepalive(tcp?.keepalive ?? {}) };
    case 'frontend.http':
      return { section: 'http', http: toHttp(http ?? {}) };
    case 'frontend.tls':
      return { section: 'tls', tls: toTls(tls ?? {}) };
    case 'frontend.proxyProtocol':
      return { section: 'proxyProtocol', proxyProtocol: toProxyProtocol(proxyProtocol ?? {}) };
    default:
      return section satisfies never;
  }
}

function toTls(tls: NonNullable<Frontend['tls']>): TlsSettings {
  return {
    ...defined('handshakeTimeoutMs', milliseconds(tls.handshakeTimeout)),
    ...defined('alpnProtocols', tls.alpnProtocols),
    ...defined('cipherSuites', tls.cipherSuites),
    ...defined('keyExchangeGroups', tls.keyExchangeGroups),
    ...defined('minVersion', tls.minProtocolVersion),
    ...defined('maxVersion', tls.maxProtocolVersion),
  };
}

function toProxyProtocol({ mode, version }: NonNullable<Frontend['proxyProtocol']>): ProxyProtocol {
  return { mode: mode === 'Optional' ? 'optional' : 'strict', version: PROXY_VERSIONS[version ?? 'V2'] };
}

const PROXY_VERSIONS = { V1: 'v1', V2: 'v2', All: 'all' } as const;

type Keepalive = NonNullable<NonNullable<Frontend['tcp']>['keepalive']>;

function toKeepalive({ time, interval, retries }: Keepalive): TcpKeepalive {
  return {
    ...defined('timeMs', milliseconds(time)),
    ...defined('intervalMs', milliseconds(interval)),
    ...defined('retries', retries),
  };
}

function toHttp(http: NonNullable<Frontend['http']>): HttpSettings {
  return {
    ...defined('maxBufferSize', uint32(http.maxBufferSize)),
    ...defined('http1MaxHeaders', http.http1MaxHeaders),
    ...defined('http1IdleTimeoutMs', milliseconds(http.http1IdleTimeout)),
    ...(http.http1HeaderCase && { http1HeaderCase: http.http1HeaderCase === 'Preserve' ? 'preserve' : 'lowercase' }),
    ...defined('http2WindowSize', uint32(http.http2WindowSize)),
    ...defined('http2ConnectionWindowSize', uint32(http.http2ConnectionWindowSize)),
    ...defined('http2FrameSize', uint32(http.http2FrameSize)),
    ...defined('http2MaxHeaderSize', uint32(http.http2MaxHeaderSize)),
    ...defined('http2KeepaliveIntervalMs', milliseconds(http.http2KeepaliveInterval)),
    ...defined('http2KeepaliveTimeoutMs', milliseconds(http.http2KeepaliveTimeout)),
    ...defined('maxConnectionDurationMs', milliseconds(http.maxConnectionDuration)),
  };
}

function milliseconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}

/** Sizes are uint32 on the wire; agentgateway's controller clamps them so. */
function uint32(quantity: string | number | undefined): number | undefined {
  const bytes = quantity === undefined ? undefined : parseBytes(quantity);
  return bytes === undefined ? undefined : Math.min(Math.max(bytes, 0), 2 ** 32 - 1);
}

function defined<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: Value });
}
