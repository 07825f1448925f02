import type { FrontendPolicy, GatewayName, HttpSettings, Policy } from './resource.ts';

/** TCP keepalive as a socket gets it: seconds and a count, never absent. */
export type EffectiveTcpKeepalive = {
  readonly policyKey: string;
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly probes: number;
};

/** HTTP settings with the defaults filled in. Without a keepalive interval no PING is sent. */
export type EffectiveHttp = HttpSettings & {
  readonly policyKey?: string;
  readonly maxBufferSize: number;
  readonly http1IdleTimeoutMs: number;
  readonly http2KeepaliveTimeoutMs: number;
};

/** What holds for the connections of one port of a gateway. No tcp part: the socket stays as the kernel made it. */
export type EffectiveFrontend = { readonly tcp?: EffectiveTcpKeepalive; readonly http: EffectiveHttp };

/** The data plane's defaults, as agentgateway's (types/agent.rs, lib.rs) and hyper's (PING timeout 20 s). */
export const FRONTEND_DEFAULTS = {
  tcp: { timeMs: 180_000, intervalMs: 180_000, retries: 9 },
  http: { maxBufferSize: 2_097_152, http1IdleTimeoutMs: 600_000, http2KeepaliveTimeoutMs: 20_000 },
} as const;

/**
 * The settings in force on one port of a gateway. The unit is the section: the winner of a section replaces the
 * other wholly. A policy on the port beats one on the gateway; at one target the projection sends one policy only.
 */
export function effectiveFrontend(policies: Iterable<Policy>, gateway: GatewayName, port: number): EffectiveFrontend {
  const { tcp, http } = winningPolicies(policies, gateway, port);
  return {
    ...(tcp?.frontend.section === 'tcp' && { tcp: fillTcp(tcp.key, tcp.frontend) }),
    http:
      http?.frontend.section === 'http'
        ? { ...FRONTEND_DEFAULTS.http, ...http.frontend.http, policyKey: http.key }
        : FRONTEND_DEFAULTS.http,
  };
}

/** The policy of each section that is in force on one port of a gateway. */
export function winningPolicies(
  policies: Iterable<Policy>,
  gateway: GatewayName,
  port: number,
): { readonly [Section in FrontendPolicy['section']]?: Policy } {
  const winners: { [Section in FrontendPolicy['section']]?: Policy } = {};
  for (const policy of policies) {
    if (!targets(policy, gateway, port)) continue;
    const { section } = policy.frontend;
    const holder = winners[section];
    if (holder === undefined || beats(policy, holder)) winners[section] = policy;
  }
  return winners;
}

function targets(policy: Policy, gateway: GatewayName, port: number): boolean {
  const target = policy.target;
  return (
    target.gateway.name === gateway.name &&
    target.gateway.namespace === gateway.namespace &&
    (target.port === undefined || target.port === port)
  );
}

/** More specific first; then by key, so that the answer never depends on the order of arrival. */
function beats(candidate: Policy, holder: Policy): boolean {
  const specific = Number(candidate.target.port !== undefined) - Number(holder.target.port !== undefined);
  return specific !== 0 ? specific > 0 : candidate.key < holder.key;
}

function fillTcp(policyKey: string, policy: Extract<FrontendPolicy, { section: 'tcp' }>): EffectiveTcpKeepalive {
  const { timeMs, intervalMs, retries } = { ...FRONTEND_DEFAULTS.tcp, ...policy.keepalive };
  return {
    policyKey,
    idleSeconds: Math.trunc(timeMs / 1000),
    intervalSeconds: Math.trunc(intervalMs / 1000),
    probes: retries,
  };
}
