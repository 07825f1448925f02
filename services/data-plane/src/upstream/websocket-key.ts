import { createHash, randomBytes } from 'node:crypto';

/** RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A `sec-websocket-key` for a handshake over HTTP/1.1 on behalf of a client that has none, as over HTTP/2 (RFC 8441). */
export function websocketKey(): string {
  return randomBytes(16).toString('base64');
}

/** The `sec-websocket-accept` that answers a key (RFC 6455, section 4.2.2). */
export function websocketAccept(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}
