import { libc } from './libc.ts';

const FIONREAD = 0x541b;
const COUNT = Buffer.alloc(4);

/** How many bytes the kernel holds that came over a connection and were not read; 0 where it does not tell (tcp(7)). */
export function getUnreadBytes(fd: number): number {
  const library = libc();
  if (typeof library === 'string' || library.ioctl(fd, FIONREAD, COUNT) !== 0) return 0;
  return COUNT.readInt32LE();
}
