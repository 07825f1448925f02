import koffi from 'koffi';

/** The two calls of the C library that this package is made of. */
export type Libc = {
  readonly setsockopt: (fd: number, level: number, option: number, value: Buffer, length: number) => number;
  readonly getsockopt: (fd: number, level: number, option: number, value: Buffer, length: Buffer) => number;
};

/** glibc first, then musl, by the names that their packages install. */
const NAMES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];

let loaded: Libc | string | undefined;

/** The C library, or the reason why socket options cannot be reached on this machine. Loaded once. */
export function libc(): Libc | string {
  loaded ??= load();
  return loaded;
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
      return {
        setsockopt: library.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint32']),
        getsockopt: library.func('getsockopt', 'int', ['int', 'int', 'int', 'void *', 'void *']),
      };
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  return `no C library found: ${failures.join('; ')}`;
}
