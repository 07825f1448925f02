import { getInt } from './socket-option.ts';

/**
 * The errno of what has ended a connection, if nobody has been told of it yet: whoever asks is told. Only for one that is
 * closed; else it may be what the kernel means to get over by itself (ip(7), IP_RECVERR). 0: there is none.
 */
export function getSocketError(fd: number): number {
  const read = getInt(fd, 'SO_ERROR');
  return read.ok ? read.value : 0;
}
