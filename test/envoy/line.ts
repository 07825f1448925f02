import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a local port that can be cut: what is open ends, and nothing new gets through until it is mended. */
export type Line = {
  readonly port: number;
  cut(): void;
  mend(): void;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export async function startLine(target: number): Promise<Line> {
  const open = new Set<Socket>();
  let whole = true;
  const server = createServer((socket) => {
    const other = connect(target, '127.0.0.1');
    for (const end of [socket, other]) {
      open.add(end);
      end.on('error', () => undefined);
      end.once('close', () => {
        open.delete(end);
        socket.destroy();
        other.destroy();
      });
    }
    if (whole) socket.pipe(other).pipe(socket);
    else socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const destroyAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      whole = false;
      destroyAll();
    },
    mend: () => {
      whole = true;
    },
    [Symbol.asyncDispose]: async () => {
      destroyAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
