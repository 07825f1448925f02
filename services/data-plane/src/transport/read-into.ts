import { Socket } from 'node:net';

const ON_READ = findOnRead();

/**
 * Has a socket that is open read into a buffer of the caller's, as the `onread` of `net.connect` does for sockets that
 * are made here: those that a server accepted have no such option.
 *
 * @param onRead false pauses the socket until `resume`
 * @returns false when this Node does not keep what it takes where Node 20 does
 */
export function readInto(socket: Socket, buffer: Buffer, onRead: (length: number) => boolean): boolean {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (ON_READ === undefined || typeof handle !== 'object' || handle === null) return false;
  const useUserBuffer: unknown = Reflect.get(handle, 'useUserBuffer');
  if (typeof useUserBuffer !== 'function') return false;
  Reflect.set(socket, ON_READ.buffer, buffer);
  Reflect.set(socket, ON_READ.callback, onRead);
  useUserBuffer.call(handle, buffer);
  return true;
}

/** Where a socket keeps the two halves of its `onread`. */
function findOnRead(): { readonly buffer: symbol; readonly callback: symbol } | undefined {
  const own = Object.getOwnPropertySymbols(new Socket());
  const [buffer, callback] = ['kBuffer', 'kBufferCb'].map((name) =>
    own.find(({ description }) => description === name),
  );
  return buffer && callback && { buffer, callback };
}
