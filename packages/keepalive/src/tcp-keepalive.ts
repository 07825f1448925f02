import { getInt, type SocketOptionError, type SocketOptionResult, setInt } from './socket-option.ts';

/** What the kernel does on one socket: probe after `idleSeconds`, then each `intervalSeconds`, give up after `probes`. */
export type TcpKeepaliveOptions = {
  readonly enabled: boolean;
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly probes: number;
};

/** As read back; `userTimeoutMs` 0 means that the kernel's own limit holds. */
export type TcpKeepaliveReading = TcpKeepaliveOptions & { readonly userTimeoutMs: number };

/** Linux refuses more. */
export const TCP_KEEPALIVE_LIMITS = { seconds: 32_767, probes: 127 } as const;

/**
 * Sets all four options. Idle time comes after interval and count, because setting it is what re-arms the timer of a
 * socket that is alive already; the switch comes last. Stops at the first failure.
 */
export function setTcpKeepalive(fd: number, options: TcpKeepaliveOptions): SocketOptionError | undefined {
  return (
    setInt(fd, 'TCP_KEEPINTVL', options.intervalSeconds) ??
    setInt(fd, 'TCP_KEEPCNT', options.probes) ??
    setInt(fd, 'TCP_KEEPIDLE', options.idleSeconds) ??
    setInt(fd, 'SO_KEEPALIVE', options.enabled ? 1 : 0)
  );
}

/** Reads from the kernel what holds on a socket. */
export function getTcpKeepalive(fd: number): SocketOptionResult<TcpKeepaliveReading> {
  const enabled = getInt(fd, 'SO_KEEPALIVE');
  if (!enabled.ok) return enabled;
  const idle = getInt(fd, 'TCP_KEEPIDLE');
  if (!idle.ok) return idle;
  const interval = getInt(fd, 'TCP_KEEPINTVL');
  if (!interval.ok) return interval;
  const probes = getInt(fd, 'TCP_KEEPCNT');
  if (!probes.ok) return probes;
  const userTimeout = getInt(fd, 'TCP_USER_TIMEOUT');
  if (!userTimeout.ok) return userTimeout;
  return {
    ok: true,
    value: {
      enabled: enabled.value !== 0,
      idleSeconds: idle.value,
      intervalSeconds: interval.value,
      probes: probes.value,
      userTimeoutMs: userTimeout.value,
    },
  };
}
