/**
 * The file descriptor of an open socket or server of `node:net`, or of what keeps its handle in the same place. Undefined
 * when it is closed, not yet made, or when this Node no longer keeps the handle where Node 20 does. Valid only until the
 * event loop turns: a closed descriptor's number is reused.
 */
export function socketFd(socket: object): number | undefined {
  if ('destroyed' in socket && socket.destroyed === true) return undefined;
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
