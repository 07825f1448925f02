import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { CERTIFICATE, PRIVATE_KEY } from '../../services/data-plane/src/testing/certificate.ts';

/** A TLS server that clients trust who trust {@link CERTIFICATE}. */
export type TlsServer = Disposable & { readonly port: number };

/** It says who it is and which ALPN protocol was agreed, and then what it is sent. */
export async function startTlsServer(name: string): Promise<TlsServer> {
  const options = { cert: CERTIFICATE, key: PRIVATE_KEY, ALPNProtocols: ['h2', 'http/1.1'] };
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined);
    socket.write(`${name} ${socket.alpnProtocol}`);
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.dispose]: () => void server.close() };
}

export { CERTIFICATE };
