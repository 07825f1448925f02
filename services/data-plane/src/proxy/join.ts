import type { Duplex } from 'node:stream';
import { carryStream } from './carry.ts';

/**
 * Carries bytes both ways, each way no faster than its reader, and passes the end of each direction on by itself. When
 * the upstream breaks off or is gone, so is the client's side, and the other way round.
 *
 * @param onUpstreamEnd the upstream has closed or failed before the client's side was whole
 */
export function join(client: Duplex, upstream: Duplex, onUpstreamEnd: (error?: Error) => void): void {
  let failure: Error | undefined;
  upstream.on('error', (error) => {
    failure = error;
  });
  upstream.on('close', () => {
    if (failure !== undefined || !client.writableEnded) onUpstreamEnd(failure);
  });
  client.on('close', () => upstream.destroy());
  carryStream(client, upstream);
  carryStream(upstream, client);
}
