import { lastErrno, libc, wouldBlock } from './libc.ts';

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/**
 * Sends the first `length` bytes over a connected socket as far as the kernel has room for them now (send(2)). When it
 * returns, the bytes may be used for something else.
 *
 * @returns how many it took, 0 where the C library cannot be reached; or the name of the errno, such as `EPIPE`
 */
export function sendNow(fd: number, bytes: Buffer, length: number): number | string {
  const library = libc();
  if (typeof library === 'string') return 0;
  const sent = library.send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return wouldBlock() ? 0 : lastErrno();
}
