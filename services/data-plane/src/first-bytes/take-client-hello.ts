import type { Connection } from '../connection/connection.ts';
import { type ClientHello, readClientHello } from './client-hello.ts';
import { readFirstBytes } from './first-bytes.ts';

/** Looks at the ClientHello of a TLS connection; all of it stays in the socket. */
export function takeClientHello(
  connection: Connection,
  timeoutMs: number,
  onClientHello: (hello: ClientHello) => void,
): void {
  const late = () => connection.close('first_byte_timeout');
  readFirstBytes(connection, {
    read: readClientHello,
    timeoutMs,
    onFound: onClientHello,
    onMalformed: (error) => connection.fail(new Error(error), 'protocol_error'),
    onSilent: late,
    onPartial: late,
  });
}
