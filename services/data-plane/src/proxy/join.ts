import type { Duplex } from 'node:stream';

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
  carry(client, upstream);
  carry(upstream, client);
}

/** What `pipe` does, with a quarter of its listeners: a worker holds many connections that are silent. */
function carry(from: Duplex, to: Duplex): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  // A peer that said nothing and left may have ended before.
  if (from.readableEnded) to.end();
  else from.on('end', () => to.end());
  // Who has read the first bytes has stopped it.
  if (to.writableNeedDrain) from.pause();
  else from.resume();
}
