import {
  describeSocketOptionError,
  getTcpKeepalive,
  type SocketOptionError,
  setTcpKeepalive,
  socketFd,
  type TcpKeepaliveOptions,
} from '@pulseplane/keepalive';
import type { EffectiveFrontend, EffectiveTcpKeepalive } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import type { Connection } from './connection.ts';
import { longTimeout } from './long-timeout.ts';

export type EnforceContext = {
  readonly logger: Logger;
  /** `policyKey`: what was to be set there; undefined for what the socket had before. */
  onSocketOptionError(error: SocketOptionError, policyKey?: string): void;
  /** The version in which a policy came. */
  policyVersion(policyKey: string): string | undefined;
  /** Share of maxConnectionDuration, 0 to 1, by which a connection may end earlier. */
  readonly durationJitter: number;
};

/**
 * Makes one open connection obey the settings in force: at accept, when its protocol becomes known, and again at
 * every change of the tables. Doing it twice changes nothing.
 */
export function enforce(connection: Connection, frontend: EffectiveFrontend, context: EnforceContext): void {
  if (connection.transport.destroyed) return;
  enforceTcp(connection, frontend.tcp, context);
  enforceHttp(connection, frontend, context);
}

function enforceTcp(connection: Connection, wanted: EffectiveTcpKeepalive | undefined, context: EnforceContext): void {
  delete connection.policyKeys.tcp;
  delete connection.policyVersions.tcp;
  if (wanted === undefined && connection.tcp === undefined) return;
  const fd = socketFd(connection.transport);
  if (fd === undefined) {
    if (!connection.transport.destroyed) {
      report(
        connection,
        { kind: 'unsupported', reason: 'this Node does not show the file descriptor of a socket' },
        wanted?.policyKey,
        context,
      );
    }
    return;
  }
  const original = connection.tcp?.original ?? readOriginal(connection, fd, wanted?.policyKey, context);
  if (original === undefined) return;
  const options: TcpKeepaliveOptions =
    wanted === undefined
      ? original
      : {
          enabled: true,
          idleSeconds: wanted.idleSeconds,
          intervalSeconds: wanted.intervalSeconds,
          probes: wanted.probes,
        };
  if (connection.tcp?.current === undefined || !sameOptions(connection.tcp.current, options)) {
    const error = setTcpKeepalive(fd, options);
    if (error !== undefined) {
      connection.tcp = { original, current: undefined };
      report(connection, error, wanted?.policyKey, context);
      return;
    }
    connection.tcp = { original, current: options };
    connection.nextLookAt = 0;
  }
  if (wanted === undefined) return;
  connection.policyKeys.tcp = wanted.policyKey;
  connection.policyVersions.tcp = context.policyVersion(wanted.policyKey);
}

function enforceHttp(
  connection: Connection,
  { http }: EffectiveFrontend,
  { durationJitter, policyVersion }: EnforceContext,
): void {
  delete connection.policyKeys.http;
  delete connection.policyVersions.http;
  const { served } = connection;
  if (served?.applyHttp === undefined) return;
  if (http.policyKey !== undefined) {
    connection.policyKeys.http = http.policyKey;
    connection.policyVersions.http = policyVersion(http.policyKey);
  }
  served.applyHttp(http);
  const { maxConnectionDurationMs } = http;
  if (maxConnectionDurationMs === connection.maxDurationMs) return;
  connection.cancelMaxDuration?.();
  connection.cancelMaxDuration = undefined;
  connection.maxDurationMs = maxConnectionDurationMs;
  if (maxConnectionDurationMs === undefined) return;
  const age = performance.now() - connection.acceptedAt;
  // Clients that came together do not all come back together.
  const longestMs = maxConnectionDurationMs * (1 - durationJitter * connection.durationJitter);
  connection.cancelMaxDuration = longTimeout(longestMs - age, () => connection.closeGracefully('max_duration'));
}

/** Read before the first policy touches the socket, so these are the values that it had at accept. */
function readOriginal(
  connection: Connection,
  fd: number,
  policyKey: string | undefined,
  context: EnforceContext,
): TcpKeepaliveOptions | undefined {
  const reading = getTcpKeepalive(fd);
  if (!reading.ok) {
    report(connection, reading.error, policyKey, context);
    return undefined;
  }
  return reading.value;
}

function report(
  connection: Connection,
  error: SocketOptionError,
  policyKey: string | undefined,
  context: EnforceContext,
): void {
  context.onSocketOptionError(error, policyKey);
  context.logger.warn(
    { connection: connection.id, peer: connection.peer, policy: policyKey, error: describeSocketOptionError(error) },
    'TCP keepalive could not be set on a connection',
  );
}

function sameOptions(a: TcpKeepaliveOptions, b: TcpKeepaliveOptions): boolean {
  return (
    a.enabled === b.enabled &&
    a.idleSeconds === b.idleSeconds &&
    a.intervalSeconds === b.intervalSeconds &&
    a.probes === b.probes
  );
}
