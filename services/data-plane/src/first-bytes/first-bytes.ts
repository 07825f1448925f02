import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import { type Connection, LAST_REQUEST_MS, type Served } from '../connection/connection.ts';
import { longTimeout } from '../connection/long-timeout.ts';

/** What the first bytes of a connection say so far. */
export type Reading<Found> =
  /** So many, from the first on, are needed at least before it is worth looking again. */
  | { readonly kind: 'more'; readonly needed: number }
  /** So many are done with; the others are whoever's comes next. */
  | { readonly kind: 'found'; readonly found: Found; readonly length: number }
  | { readonly kind: 'malformed'; readonly error: string };

/** What is looked for. One of the `on…` is called, once, unless the connection ends before. Times are in milliseconds. */
export type Wanted<Found> = {
  /** Pure: it is asked again with all bytes when there are more. */
  read(seen: Buffer): Reading<Found>;
  /** From accept on. */
  readonly timeoutMs: number;
  /** The same, when HTTP settings change; absent: they mean nothing to these bytes. */
  timeoutOf?(http: EffectiveHttp): number;
  /** From the first byte on, where that ends earlier. */
  readonly partialMs?: number;
  onFound(found: Found): void;
  /** Absent where `read` never says so. */
  onMalformed?(error: string): void;
  /** Nothing came in time. */
  onSilent(): void;
  /** It began and did not come whole in time. */
  onPartial(): void;
};

/**
 * Reads what comes before everything else on a connection, and puts back into the socket what does not belong to it.
 * Several may follow each other. It holds no more bytes than `read` needs and one chunk.
 */
export function readFirstBytes<Found>(connection: Connection, wanted: Wanted<Found>): void {
  const { socket } = connection;
  let chunks: Buffer[] = [];
  let length = 0;
  let needed = 1;
  let { timeoutMs } = wanted;
  let cancelTimeout: () => void = () => undefined;
  let cancelPartial: (() => void) | undefined;
  let closing = false;

  const late = () =>
    connection.guard(() => {
      const begun = length > 0;
      stop();
      putBack(0);
      if (begun) wanted.onPartial();
      else wanted.onSilent();
    });

  const arm = () => {
    cancelTimeout();
    cancelTimeout = longTimeout(timeoutMs - (performance.now() - connection.acceptedAt), late);
  };

  const stop = () => {
    cancelTimeout();
    cancelPartial?.();
    socket.removeListener('readable', onReadable);
    socket.removeListener('end', onEnd);
    socket.removeListener('close', stop);
  };

  const putBack = (from: number) => {
    if (length > from) socket.unshift(Buffer.concat(chunks).subarray(from));
  };

  const onReadable = () => connection.guard(readMore);

  const readMore = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    chunks.push(chunk);
    length += chunk.length;
    // Bytes that come one by one are put together when there are enough, not each time.
    const seen = length < needed ? undefined : Buffer.concat(chunks);
    if (seen !== undefined) chunks = [seen];
    const reading: Reading<Found> = seen === undefined ? { kind: 'more', needed } : wanted.read(seen);
    switch (reading.kind) {
      case 'more':
        needed = reading.needed;
        if (wanted.partialMs !== undefined) cancelPartial ??= longTimeout(wanted.partialMs, late);
        return;
      case 'malformed':
        stop();
        return wanted.onMalformed?.(reading.error);
      case 'found':
        stop();
        putBack(reading.length);
        return wanted.onFound(reading.found);
      default:
        return reading satisfies never;
    }
  };

  const onEnd = () => connection.close('peer');

  const { timeoutOf } = wanted;
  const served: Served = {
    protocol: 'unknown',
    ...(timeoutOf && {
      applyHttp(http) {
        const next = timeoutOf(http);
        if (next === timeoutMs) return;
        timeoutMs = next;
        if (!closing) arm();
      },
    }),
    closeGracefully() {
      if (closing) return;
      closing = true;
      // Who has connected ahead may speak just now; what comes is served, and told that it is the last.
      cancelTimeout();
      cancelTimeout = longTimeout(LAST_REQUEST_MS, () => void socket.destroy());
    },
    destroy: stop,
    lastPingRttMs: () => undefined,
  };

  arm();
  socket.on('readable', onReadable);
  socket.once('end', onEnd);
  socket.once('close', stop);
  connection.serveAs(served);
}
