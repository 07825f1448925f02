import { connect, type Socket } from 'node:net';
import type { Backend } from '@pulseplane/projection/gateway';
import { longTimeout } from '../connection/long-timeout.ts';
import { type SocketBudget, UpstreamSocketsError } from './socket-budget.ts';

/** A backend did not take a connection in time. */
export class ConnectTimeoutError extends Error {
  readonly code = 'PULSEPLANE_CONNECT_TIMEOUT';
  readonly timeoutMs: number;

  constructor({ host, port }: Address, timeoutMs: number) {
    super(`no connection to ${host}:${port} in ${timeoutMs} ms`);
    this.name = 'ConnectTimeoutError';
    this.timeoutMs = timeoutMs;
  }
}

type Address = Pick<Backend, 'host' | 'port'>;

type DialOptions = { readonly timeoutMs: number; readonly allowHalfOpen?: boolean };

/** Told once: an open socket, or why there is none. */
type Dialled = (error: Error | undefined, socket: Socket | undefined) => void;

/** Connects to a backend while the budget lasts. Destroying the socket that it gives back gives up. */
export type Dial = (address: Address, options: DialOptions, dialled: Dialled) => Socket | undefined;

/** Twice what is read at once, so that a write of that does not wait for what went out with it. Bytes. */
export const HIGH_WATER_MARK = 131_072;

/** Idle connections count in the budget too. */
export function createDial(sockets: SocketBudget): Dial {
  return (address, { timeoutMs, allowHalfOpen = false }, dialled) => {
    if (!sockets.take()) {
      // Not at once: who asks does not expect an answer meanwhile.
      process.nextTick(dialled, new UpstreamSocketsError(), undefined);
      return undefined;
    }
    const host = address.host.replace(/^\[(.*)\]$/, '$1');
    const options = { host, port: address.port, allowHalfOpen, noDelay: true, highWaterMark: HIGH_WATER_MARK };
    const socket = connect(options);
    socket.on('close', sockets.release);
    const cancelTimeout = longTimeout(timeoutMs, () => socket.destroy(new ConnectTimeoutError(address, timeoutMs)));
    const failed = (error: Error) => dialled(error, undefined);
    socket.once('error', failed);
    socket.once('close', cancelTimeout);
    socket.once('connect', () => {
      socket.off('error', failed);
      socket.off('close', cancelTimeout);
      cancelTimeout();
      dialled(undefined, socket);
    });
    return socket;
  };
}
