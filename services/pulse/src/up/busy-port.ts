import { createServer } from 'node:net';

/** The reason why an address cannot be listened on, or undefined when it can. */
export function whyBusy(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be listened on: ${error.message}`),
    );
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
