import { connect, type Socket } from 'node:net';
import type { Backend } from '@pulseplane/projection/gateway';
import { longTimeout } from '../connection/long-timeout.ts';
import type { TcpSocket } from '../transport/tcp-socket.ts';
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
type Dialled<Made> = (error: Error | undefined, socket: Made | undefined) => void;

/** Connects to a backend while the budget lasts. Destroying the socket that it gives back gives up. */
export type Dial<Made = Socket> = (address: Address, options: DialOptions, dialled: Dialled<Made>) => Made | undefined;

/** Makes a socket that says `connect` or `error`. */
type Connect<Made> = (address: Address, options: DialOptions) => Made;

/** Twice what is read at once, so that a write of that does not wait for what went out with it. Bytes. */
export const HIGH_WATER_MARK = 131_072;

export const connectSocket: Connect<Socket> = (address, { allowHalfOpen = false }) => {
  const options = { ...address, allowHalfOpen, noDelay: true, highWaterMark: HIGH_WATER_MARK };
  return connect(options);
};

/** Idle connections count in the budget too. */
export function createDial<Made extends TcpSocket>(sockets: SocketBudget, open: Connect<Made>): Dial<Made> {
  return (address, options, dialled) => {
    if (!sockets.take()) {
      // Not at once: who asks does not expect an answer meanwhile.
      process.nextTick(dialled, new UpstreamSocketsError(), undefined);
      return undefined;
    }
    const { timeoutMs } = options;
    const socket = open({ host: address.host.replace(/^\[(.*)\]$/, '$1'), port: address.port }, options);
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
