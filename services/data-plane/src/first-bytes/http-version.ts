import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { Connection } from '../connection/connection.ts';
import type { Limits } from '../limits.ts';
import { type Reading, readFirstBytes } from './first-bytes.ts';

/** What every HTTP/2 client with prior knowledge says first (RFC 9113, section 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Finds out which HTTP a client speaks. One that says nothing is governed by the idle timeout. */
export function detectHttpVersion(
  connection: Connection,
  http: EffectiveHttp,
  { requestHeadMs }: Pick<Limits, 'requestHeadMs'>,
  onVersion: (version: 'http1' | 'http2') => void,
): void {
  readFirstBytes(connection, {
    read: readHttpVersion,
    timeoutMs: http.http1IdleTimeoutMs,
    timeoutOf: ({ http1IdleTimeoutMs }) => http1IdleTimeoutMs,
    partialMs: requestHeadMs,
    onFound: onVersion,
    onSilent: () => connection.close('idle_timeout'),
    onPartial: () => connection.close('first_byte_timeout'),
  });
}

function readHttpVersion(seen: Buffer): Reading<'http1' | 'http2'> {
  const length = Math.min(seen.length, PREFACE.length);
  if (seen.compare(PREFACE, 0, length, 0, length) !== 0) return { kind: 'found', found: 'http1', length: 0 };
  if (length < PREFACE.length) return { kind: 'more', needed: length + 1 };
  return { kind: 'found', found: 'http2', length: 0 };
}
