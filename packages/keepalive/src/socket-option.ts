import { lastErrno, libc } from './libc.ts';

/** Linux, all architectures that Node runs on except MIPS and SPARC, where SOL_SOCKET differs. */
const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;

const OPTIONS = {
  SO_REUSEADDR: { level: SOL_SOCKET, option: 2 },
  SO_ERROR: { level: SOL_SOCKET, option: 4 },
  SO_KEEPALIVE: { level: SOL_SOCKET, option: 9 },
  SO_REUSEPORT: { level: SOL_SOCKET, option: 15 },
  SO_ATTACH_FILTER: { level: SOL_SOCKET, option: 26 },
  IPV6_V6ONLY: { level: IPPROTO_IPV6, option: 26 },
  TCP_KEEPIDLE: { level: IPPROTO_TCP, option: 4 },
  TCP_KEEPINTVL: { level: IPPROTO_TCP, option: 5 },
  TCP_KEEPCNT: { level: IPPROTO_TCP, option: 6 },
  TCP_INFO: { level: IPPROTO_TCP, option: 11 },
  TCP_USER_TIMEOUT: { level: IPPROTO_TCP, option: 18 },
} as const;

export type SocketOption = keyof typeof OPTIONS;

/** Why an option could not be read or written. */
export type SocketOptionError =
  | { readonly kind: 'unsupported'; readonly reason: string }
  | {
      readonly kind: 'errno';
      readonly call: 'getsockopt' | 'setsockopt';
      readonly option: SocketOption;
      readonly errno: string;
    };

export type SocketOptionResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: SocketOptionError };

/** One sentence for a log line. */
export function describeSocketOptionError(error: SocketOptionError): string {
  return error.kind === 'unsupported' ? error.reason : `${error.call} ${error.option}: ${error.errno}`;
}

const LENGTH = Buffer.alloc(4);
const INT = Buffer.alloc(4);

/** Writes an int option of an open file descriptor. */
export function setInt(fd: number, option: SocketOption, value: number): SocketOptionError | undefined {
  const library = libc();
  if (typeof library === 'string') return { kind: 'unsupported', reason: library };
  const { level, option: number } = OPTIONS[option];
  INT.writeInt32LE(value);
  const status = library.setsockopt(fd, level, number, INT, 4);
  return status === 0 ? undefined : { kind: 'errno', call: 'setsockopt', option, errno: lastErrno() };
}

const FILTER_PROGRAM_BYTES = 16;

/** Has a classic BPF program look at each packet for a socket, of eight bytes an instruction. */
export function attachFilter(fd: number, instructions: Buffer): SocketOptionError | undefined {
  const library = libc();
  if (typeof library === 'string') return { kind: 'unsupported', reason: library };
  const option = 'SO_ATTACH_FILTER';
  const { level, option: number } = OPTIONS[option];
  const program = { length: instructions.length / 8, instructions };
  const status = library.attachFilter(fd, level, number, program, FILTER_PROGRAM_BYTES);
  return status === 0 ? undefined : { kind: 'errno', call: 'setsockopt', option, errno: lastErrno() };
}

/** Reads an int option of an open file descriptor. */
export function getInt(fd: number, option: SocketOption): SocketOptionResult<number> {
  const read = getBytes(fd, option, INT);
  return read.ok ? { ok: true, value: INT.readInt32LE() } : read;
}

/** Reads an option into a buffer and tells how many bytes the kernel wrote. */
export function getBytes(fd: number, option: SocketOption, into: Buffer): SocketOptionResult<number> {
  const library = libc();
  if (typeof library === 'string') return { ok: false, error: { kind: 'unsupported', reason: library } };
  const { level, option: number } = OPTIONS[option];
  LENGTH.writeUInt32LE(into.length);
  const status = library.getsockopt(fd, level, number, into, LENGTH);
  if (status !== 0) return { ok: false, error: { kind: 'errno', call: 'getsockopt', option, errno: lastErrno() } };
  return { ok: true, value: LENGTH.readUInt32LE() };
}
