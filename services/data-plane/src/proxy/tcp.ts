import type { Socket } from 'node:net';
import type { Backend } from '@pulseplane/projection/gateway';
import type { Connection, Served } from '../connection/connection.ts';
import type { Dial } from '../upstream/dial.ts';
import type { Carried, Carry } from './carry.ts';
import { join } from './join.ts';

/** Where the bytes go, and what they are. */
export type TcpUpstream = {
  readonly protocol: 'tcp' | 'tls';
  readonly backend: Backend;
  readonly dial: Dial;
  readonly connectTimeoutMs: number;
  readonly carry: Carry;
  /** The connection is there, and carries bytes from now on. */
  onConnected(socket: Socket): void;
  onError(error: Error): void;
};

/**
 * Carries bytes both ways between a client and a backend, each way no faster than its reader, and passes the end of
 * each direction on by itself.
 */
export function serveTcp(
  connection: Connection,
  { protocol, backend, dial, connectTimeoutMs, carry, onConnected, onError }: TcpUpstream,
): void {
  const client = connection.socket;
  let toClient: Carried | undefined;
  const fail = (error: Error) => {
    onError(error);
    connection.close('upstream');
  };
  const upstream = dial(backend, { timeoutMs: connectTimeoutMs, allowHalfOpen: true }, (error, socket) => {
    if (socket === undefined) return fail(error ?? new Error('no socket'));
    client.off('close', giveUp);
    onConnected(socket);
    const ended = (failure?: Error) => (failure === undefined ? connection.close('upstream') : fail(failure));
    toClient = join(client, socket, ended, carry);
  });
  if (upstream === undefined) return;
  // Who ends first has ended it, whoever is last to say so.
  upstream.on('end', () => connection.explain('upstream'));
  client.on('end', () => connection.explain('peer'));
  // Until it is there; then the two are joined.
  const giveUp = () => void upstream.destroy();
  client.on('close', giveUp);

  const served: Served = {
    protocol,
    closeGracefully: () => undefined,
    destroy: giveUp,
    lastPingRttMs: () => undefined,
    bytesSent: () => toClient?.bytesSent ?? 0,
  };
  connection.serveAs(served);
}
