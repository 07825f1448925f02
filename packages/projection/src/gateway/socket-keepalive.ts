import type { TcpKeepalive } from './resource.ts';

/** TCP keepalive as a socket gets it: seconds and a count, never absent. */
export type SocketKeepalive = {
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly probes: number;
};

/** The data plane's defaults, as agentgateway's (types/agent.rs). */
export const KEEPALIVE_DEFAULTS = { timeMs: 180_000, intervalMs: 180_000, retries: 9 } as const;

/** Keepalive settings with the defaults filled in, in the units of a socket. */
export function socketKeepalive(keepalive: TcpKeepalive): SocketKeepalive {
  const { timeMs, intervalMs, retries } = { ...KEEPALIVE_DEFAULTS, ...keepalive };
  return {
    idleSeconds: Math.trunc(timeMs / 1000),
    intervalSeconds: Math.trunc(intervalMs / 1000),
    probes: retries,
  };
}
