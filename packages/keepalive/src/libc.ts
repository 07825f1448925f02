import koffi from 'koffi';

/** The calls of the C library that this package is made of. */
export type Libc = {
  readonly setsockopt: (fd: number, level: number, option: number, value: Buffer, length: number) => number;
  /** For an option that is a program: `struct sock_fprog` (socket(7), SO_ATTACH_FILTER). */
  readonly attachFilter: (fd: number, level: number, option: number, program: FilterProgram, length: number) => number;
  readonly getsockopt: (fd: number, level: number, option: number, value: Buffer, length: Buffer) => number;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Buffer, length: number) => number;
  readonly listen: (fd: number, backlog: number) => number;
  readonly close: (fd: number) => number;
  readonly send: (fd: number, bytes: Buffer, length: number, flags: number) => number;
  readonly ioctl: (fd: number, request: number, value: Buffer) => number;
  readonly inet_pton: (family: number, text: string, address: Buffer) => number;
};

/** glibc first, then musl, by the names that their packages install. */
const NAMES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];

/** `length` instructions of 8 bytes each. */
type FilterProgram = { readonly length: number; readonly instructions: Buffer };

let loaded: Libc | string | undefined;

/** The C library, or the reason why socket options cannot be reached on this machine. Loaded once. */
export function libc(): Libc | string {
  loaded ??= load();
  return loaded;
}

/** Whether the last call failed only because it would have had to wait. */
export function wouldBlock(): boolean {
  return koffi.errno() === koffi.os.errno['EAGAIN'];
}

/** The symbolic name of the errno that the last call left, such as `EBADF`. */
export function lastErrno(): string {
  const number = koffi.errno();
  const known = Object.entries(koffi.os.errno).find(([, value]) => value === number);
  return known?.[0] ?? `errno ${number}`;
}

function load(): Libc | string {
  if (process.platform !== 'linux') return `socket options are set on Linux only, this is ${process.platform}`;
  const failures: string[] = [];
  for (const name of NAMES) {
    try {
      const library = koffi.load(name);
      const program = koffi.struct({ length: 'uint16', instructions: 'void *' });
      return {
        setsockopt: library.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint32']),
        attachFilter: library.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(program), 'uint32']),
        getsockopt: library.func('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *']),
        socket: library.func('socket', 'int', ['int', 'int', 'int']),
        bind: library.func('bind', 'int', ['int', 'void *', 'uint32']),
        listen: library.func('listen', 'int', ['int', 'int']),
        close: library.func('close', 'int', ['int']),
        send: library.func('send', 'intptr_t', ['int', 'void *', 'size_t', 'int']),
        ioctl: library.func('ioctl', 'int', ['int', 'ulong', 'void *']),
        inet_pton: library.func('inet_pton', 'int', ['int', 'str', 'void *']),
      };
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  return `no C library found: ${failures.join('; ')}`;
}
