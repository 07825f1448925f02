import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { Connection, Served } from '../connection/connection.ts';
import { longTimeout } from '../connection/long-timeout.ts';

/** What every HTTP/2 client with prior knowledge says first (RFC 9113, section 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/**
 * Waits for the first bytes of a connection and tells which HTTP they are, with the bytes back in the socket. A
 * client that says nothing is governed by the idle timeout.
 *
 * @param firstByteTimeoutMs for a client that began the preface and then stopped
 */
export function sniff(
  connection: Connection,
  http: EffectiveHttp,
  firstByteTimeoutMs: number,
  onProtocol: (protocol: 'http1' | 'http2') => void,
): void {
  const { socket } = connection;
  let seen: Buffer = Buffer.alloc(0);
  let idleMs = http.http1IdleTimeoutMs;
  let cancelIdle: () => void = () => undefined;
  let cancelPartial: (() => void) | undefined;

  const armIdle = () => {
    cancelIdle();
    const age = performance.now() - connection.acceptedAt;
    cancelIdle = longTimeout(idleMs - age, () => connection.close('idle_timeout'));
  };

  const stop = () => {
    cancelIdle();
    cancelPartial?.();
    socket.removeListener('readable', onReadable);
    socket.removeListener('end', onEnd);
    socket.removeListener('close', stop);
  };

  const onReadable = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const protocol = detect(seen);
    if (protocol === undefined) {
      cancelPartial ??= longTimeout(firstByteTimeoutMs, () => connection.close('first_byte_timeout'));
      return;
    }
    stop();
    socket.unshift(seen);
    onProtocol(protocol);
  };

  const onEnd = () => connection.close('peer');

  const served: Served = {
    protocol: 'unknown',
    applyHttp(next) {
      if (next.http1IdleTimeoutMs === idleMs) return;
      idleMs = next.http1IdleTimeoutMs;
      armIdle();
    },
    closeGracefully: () => void socket.destroy(),
    destroy: stop,
    lastPingRttMs: () => undefined,
  };

  armIdle();
  socket.on('readable', onReadable);
  socket.once('end', onEnd);
  socket.once('close', stop);
  connection.serveAs(served);
}

function detect(seen: Buffer): 'http1' | 'http2' | undefined {
  const length = Math.min(seen.length, PREFACE.length);
  if (seen.compare(PREFACE, 0, length, 0, length) !== 0) return 'http1';
  return length === PREFACE.length ? 'http2' : undefined;
}
