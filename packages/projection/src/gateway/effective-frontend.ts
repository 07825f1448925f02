import type { FrontendPolicy, GatewayName, HttpSettings, Policy, PolicyOnFrontend, ProxyProtocol } from './resource.ts';
import { type SocketKeepalive, socketKeepalive } from './socket-keepalive.ts';
import type { TlsSettings } from './tls-settings.ts';

/** TCP keepalive as a policy asks for it. */
export type EffectiveTcpKeepalive = SocketKeepalive & { readonly policyKey: string };

/** HTTP settings with the defaults filled in. Without a keepalive interval no PING is sent. */
export type EffectiveHttp = HttpSettings & {
  readonly policyKey?: string;
  readonly maxBufferSize: number;
  readonly http1IdleTimeoutMs: number;
  readonly http2KeepaliveTimeoutMs: number;
};

/** How handshakes are made, with the default filled in. */
export type EffectiveTls = TlsSettings & { readonly policyKey?: string; readonly handshakeTimeoutMs: number };

/** Which PROXY header is taken from connections, as a policy asks for it. */
export type EffectiveProxyProtocol = ProxyProtocol & { readonly policyKey: string };

/**
 * What holds for the connections of one port of a gateway. No tcp part: the socket stays as the kernel made it. No
 * proxyProtocol: no header is looked for.
 */
export type EffectiveFrontend = {
  readonly tcp?: EffectiveTcpKeepalive;
  readonly http: EffectiveHttp;
  readonly tls: EffectiveTls;
  readonly proxyProtocol?: EffectiveProxyProtocol;
};

/** The data plane's defaults, as agentgateway's (lib.rs) and hyper's (PING timeout 20 s). */
export const FRONTEND_DEFAULTS = {
  http: { maxBufferSize: 2_097_152, http1IdleTimeoutMs: 600_000, http2KeepaliveTimeoutMs: 20_000 },
  tls: { handshakeTimeoutMs: 15_000 },
} as const;

/**
 * The settings in force on one port of a gateway. The unit is the section: the winner of a section replaces the
 * other wholly. A policy on the port beats one on the gateway; at one target the projection sends one policy only.
 */
export function effectiveFrontend(policies: Iterable<Policy>, gateway: GatewayName, port: number): EffectiveFrontend {
  const { tcp, http, tls, proxyProtocol } = winningPolicies(policies, gateway, port);
  return {
    ...(tcp?.frontend.section === 'tcp' && {
      tcp: { policyKey: tcp.key, ...socketKeepalive(tcp.frontend.keepalive) },
    }),
    http:
      http?.frontend.section === 'http'
        ? { ...FRONTEND_DEFAULTS.http, ...http.frontend.http, policyKey: http.key }
        : FRONTEND_DEFAULTS.http,
    tls:
      tls?.frontend.section === 'tls'
        ? { ...FRONTEND_DEFAULTS.tls, ...tls.frontend.tls, policyKey: tls.key }
        : FRONTEND_DEFAULTS.tls,
    ...(proxyProtocol?.frontend.section === 'proxyProtocol' && {
      proxyProtocol: { policyKey: proxyProtocol.key, ...proxyProtocol.frontend.proxyProtocol },
    }),
  };
}

/** The policy of each section that is in force on one port of a gateway. */
export function winningPolicies(
  policies: Iterable<Policy>,
  gateway: GatewayName,
  port: number,
): { readonly [Section in FrontendPolicy['section']]?: PolicyOnFrontend } {
  const winners: { [Section in FrontendPolicy['section']]?: PolicyOnFrontend } = {};
  for (const policy of policies) {
    if (!('frontend' in policy) || !targets(policy, gateway, port)) continue;
    const { section } = policy.frontend;
    const holder = winners[section];
    if (holder === undefined || beats(policy, holder)) winners[section] = policy;
  }
  return winners;
}

function targets(policy: PolicyOnFrontend, gateway: GatewayName, port: number): boolean {
  const target = policy.target;
  return (
    target.gateway.name === gateway.name &&
    target.gateway.namespace === gateway.namespace &&
    (target.port === undefined || target.port === port)
  );
}

/** More specific first; then by key, so that the answer never depends on the order of arrival. */
function beats(candidate: PolicyOnFrontend, holder: PolicyOnFrontend): boolean {
  const specific = Number(candidate.target.port !== undefined) - Number(holder.target.port !== undefined);
  return specific !== 0 ? specific > 0 : candidate.key < holder.key;
}
