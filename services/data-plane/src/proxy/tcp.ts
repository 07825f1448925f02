import { connect } from 'node:net';
import type { Backend } from '@pulseplane/projection/gateway';
import type { Connection, Served } from '../connection/connection.ts';
import { type SocketBudget, UpstreamSocketsError } from './socket-budget.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Carries bytes both ways between a client and a backend, each way no faster than its reader, and passes the end of
 * each direction on by itself.
 */
export function serveTcp(
  connection: Connection,
  backend: Backend,
  sockets: SocketBudget,
  onUpstreamError: (error: Error) => void,
  connectTimeoutMs = CONNECT_TIMEOUT_MS,
): void {
  const client = connection.socket;
  const taken = sockets.take();
  if (taken === undefined) {
    onUpstreamError(new UpstreamSocketsError());
    connection.close('upstream');
    return;
  }
  const upstream = connect({ host: backend.host, port: backend.port, allowHalfOpen: true, noDelay: true });
  taken.releaseOnClose(upstream);
  const giveUp = setTimeout(() => {
    onUpstreamError(new Error(`no connection to ${backend.host}:${backend.port} in ${connectTimeoutMs} ms`));
    connection.close('upstream');
  }, connectTimeoutMs);

  upstream.once('connect', () => {
    clearTimeout(giveUp);
    client.pipe(upstream);
    upstream.pipe(client);
  });
  upstream.on('error', (error) => {
    onUpstreamError(error);
    connection.close('upstream');
  });
  // Who ends first has ended it, whoever is last to say so.
  upstream.once('end', () => connection.explain('upstream'));
  client.once('end', () => connection.explain('peer'));
  upstream.once('close', () => {
    clearTimeout(giveUp);
    if (!client.writableEnded) connection.close('upstream');
  });
  client.once('close', () => {
    clearTimeout(giveUp);
    upstream.destroy();
  });

  const served: Served = {
    protocol: 'tcp',
    applyHttp: () => undefined,
    closeGracefully: () => undefined,
    destroy: () => void upstream.destroy(),
    lastPingRttMs: () => undefined,
  };
  connection.serveAs(served);
}
