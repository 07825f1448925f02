import type { Server } from 'node:net';
import { HandleSocket } from './handle-socket.ts';
import { isTcpHandle, type TcpBinding, type TcpHandle } from './tcp-binding.ts';

type OnConnection = (this: unknown, status: number, handle: TcpHandle) => void;

/**
 * Has connections that a listening server accepts come without a `net.Socket`, where this Node keeps what it takes where
 * Node 20 does. The server knows nothing of those.
 *
 * @param isWanted asked for each connection; the others, and errors, are the server's
 */
export function acceptHandles(
  binding: TcpBinding,
  server: Server,
  isWanted: () => boolean,
  onConnection: (socket: HandleSocket) => void,
): void {
  const listening: unknown = Reflect.get(server, '_handle');
  if (!isTcpHandle(listening)) return;
  const former: unknown = Reflect.get(listening, 'onconnection');
  if (typeof former !== 'function') return;
  const accept: OnConnection = function (status, handle) {
    if (status !== 0 || !isWanted()) {
      former.call(this, status, handle);
      return;
    }
    const socket = new HandleSocket(binding);
    socket.open(handle);
    onConnection(socket);
  };
  Reflect.set(listening, 'onconnection', accept);
}
