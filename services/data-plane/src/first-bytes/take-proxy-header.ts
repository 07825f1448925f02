import type { EffectiveProxyProtocol } from '@pulseplane/projection/gateway';
import type { Connection } from '../connection/connection.ts';
import { readFirstBytes } from './first-bytes.ts';
import { readProxyHeader } from './proxy-header.ts';

/**
 * Takes the PROXY header from a connection, and who the client is from that. A connection that may have none and says
 * nothing in time has none: what speaks first may be the backend.
 *
 * @param next what follows the header is in the socket
 */
export function takeProxyHeader(
  connection: Connection,
  { mode, version }: EffectiveProxyProtocol,
  timeoutMs: number,
  next: () => void,
): void {
  const refuse = (error: string) => connection.fail(new Error(error), 'proxy_header');
  const goWithout = (error: string) => (mode === 'optional' ? next() : refuse(error));
  const expected = version === 'all' ? 'PROXY header' : `PROXY header of ${version}`;
  readFirstBytes(connection, {
    read: readProxyHeader(version),
    timeoutMs,
    onFound(header) {
      if (header === 'absent') return goWithout(`${expected}: there is none`);
      if (header.client !== undefined) connection.speakFor(header.client);
      next();
    },
    onMalformed: refuse,
    onSilent: () => goWithout(`${expected}: none came in ${timeoutMs} ms`),
    onPartial: () => refuse(`${expected}: it was not whole after ${timeoutMs} ms`),
  });
}
