import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { TCP_KEEPALIVE_LIMITS } from '@pulseplane/keepalive';
import {
  type BackendPolicy,
  carriesTls,
  type GatewayResource,
  type HttpSettings,
  type Listener,
  type Policy,
  type TcpKeepalive,
  type TlsSettings,
  type WeightedBackend,
} from '@pulseplane/projection/gateway';
import { handshakeOptions } from '../tls/handshake-options.ts';
import { wholeMatch } from './route-entry.ts';

/** What is wrong with a resource, or undefined. The control plane has checked too; a worker trusts nobody. */
export function checkResource(resource: GatewayResource): string | undefined {
  if (resource.key === '') return 'key must not be empty';
  switch (resource.kind) {
    case 'bind':
      return checkPort('port', resource.port);
    case 'listener':
      return resource.bindKey === '' ? 'bindKey must not be empty' : checkListenerTls(resource);
    case 'route':
      return checkBackends(resource.backends) ?? checkPatterns(resource);
    case 'tcp_route':
      return checkBackends(resource.backends);
    case 'backend':
      if (resource.host === '') return 'host must not be empty';
      return checkPort('port', resource.port) ?? firstProblem(resource.inlinePolicies, checkBackendPolicy);
    case 'policy':
      return checkPolicy(resource);
    default:
      resource satisfies never;
      return 'unknown kind';
  }
}

function checkPort(field: string, port: number): string | undefined {
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? undefined : `${field} ${port} is not in 1..65535`;
}

function checkListenerTls({ protocol, tls }: Listener): string | undefined {
  if (tls === undefined) return protocol === 'https' ? 'tls must be set with protocol https' : undefined;
  if (!carriesTls(protocol)) return `tls must not be set with protocol ${protocol}`;
  if (tls.certificates.length === 0) return 'tls.certificates must not be empty';
  return firstProblem(tls.certificates, ({ chain, key }) =>
    contextProblem('tls.certificates', { cert: chain, key: key.reveal() }),
  );
}

function checkTls(tls: TlsSettings): string | undefined {
  const options = handshakeOptions(tls);
  if (options.minVersion === 'TLSv1.3' && options.maxVersion === 'TLSv1.2') {
    return 'tls.minVersion 1.3 is newer than what maxVersion and cipherSuites allow';
  }
  const { cipherSuites = [] } = tls;
  if (tls.maxVersion === '1.2' && cipherSuites.length > 0 && cipherSuites.every((name) => name.startsWith('TLS13_'))) {
    return 'tls.cipherSuites has none for maxVersion 1.2';
  }
  return checkPositive('handshakeTimeoutMs', tls.handshakeTimeoutMs) ?? contextProblem('tls', options);
}

/** What OpenSSL says against it; its words hold no part of a key. */
function contextProblem(field: string, options: SecureContextOptions): string | undefined {
  try {
    createSecureContext(options);
    return undefined;
  } catch (error) {
    return `${field}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function checkBackends(backends: readonly WeightedBackend[]): string | undefined {
  const bad = backends.find(({ weight }) => !Number.isInteger(weight) || weight < 0 || weight > 1_000_000);
  return bad && `weight ${bad.weight} of backend ${bad.backendKey} is not in 0..1000000`;
}

function checkPatterns(route: Extract<GatewayResource, { kind: 'route' }>): string | undefined {
  for (const { path, headers } of route.matches) {
    for (const { type, value } of [path, ...headers.map((header) => header.match)]) {
      if (type !== 'regex') continue;
      try {
        wholeMatch(value);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    }
  }
  return undefined;
}

function checkPolicy(policy: Policy): string | undefined {
  if ('backend' in policy) return checkBackendPolicy(policy.backend);
  if (policy.target.port !== undefined) {
    const bad = checkPort('target port', policy.target.port);
    if (bad !== undefined) return bad;
  }
  const { frontend } = policy;
  if (frontend.section === 'proxyProtocol') return undefined;
  if (frontend.section === 'tls') return checkTls(frontend.tls);
  return frontend.section === 'tcp' ? checkKeepalive(frontend.keepalive) : checkHttp(frontend.http);
}

function checkBackendPolicy(policy: BackendPolicy): string | undefined {
  if (policy.section === 'http') return checkPositive('requestTimeoutMs', policy.requestTimeoutMs);
  return (
    checkPositive('connectTimeoutMs', policy.connectTimeoutMs) ?? (policy.keepalive && checkKeepalive(policy.keepalive))
  );
}

function checkKeepalive(keepalive: TcpKeepalive): string | undefined {
  const { seconds, probes } = TCP_KEEPALIVE_LIMITS;
  for (const field of ['timeMs', 'intervalMs'] as const) {
    const value = keepalive[field];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < 1_000 || value >= (seconds + 1) * 1_000) {
      return `keepalive ${field} ${value} is not in 1s..${seconds}s, which is what the kernel takes`;
    }
  }
  const { retries } = keepalive;
  if (retries !== undefined && (!Number.isInteger(retries) || retries < 1 || retries > probes)) {
    return `keepalive retries ${retries} is not in 1..${probes}`;
  }
  return undefined;
}

const POSITIVE = [
  'http1MaxHeaders',
  'http1IdleTimeoutMs',
  'http2KeepaliveIntervalMs',
  'http2KeepaliveTimeoutMs',
  'maxConnectionDurationMs',
] as const;

/** HTTP/2 limits of RFC 9113, sections 6.5.2 and 6.9. */
const RANGES = {
  http2WindowSize: [0, 2 ** 31 - 1],
  http2ConnectionWindowSize: [0, 2 ** 31 - 1],
  http2FrameSize: [16_384, 16_777_215],
  http2MaxHeaderSize: [0, 2 ** 32 - 1],
} as const;

function checkHttp(http: HttpSettings): string | undefined {
  const bad = firstProblem(POSITIVE, (field) => checkPositive(field, http[field]));
  if (bad !== undefined) return bad;
  for (const field of Object.keys(RANGES) as (keyof typeof RANGES)[]) {
    const value = http[field];
    const [least, most] = RANGES[field];
    if (value !== undefined && !(value >= least && value <= most)) {
      return `${field} ${value} is not in ${least}..${most}`;
    }
  }
  return undefined;
}

function checkPositive(field: string, value: number | undefined): string | undefined {
  return value !== undefined && !(value > 0) ? `${field} ${value} must be more than 0` : undefined;
}

function firstProblem<Item>(items: readonly Item[], check: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = check(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
