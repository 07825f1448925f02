import { isIPv6 } from 'node:net';
import { type Libc, lastErrno, libc } from './libc.ts';
import { type SocketOption, setInt } from './socket-option.ts';

/** `error` is the name of an errno, or why this machine cannot. */
export type OpenedPort = { readonly ok: true; readonly fd: number } | { readonly ok: false; readonly error: string };

const AF_INET = 2;
const AF_INET6 = 10;
/** SOCK_STREAM, SOCK_NONBLOCK and SOCK_CLOEXEC. */
const STREAM = 1 | 0o4_000 | 0o2_000_000;

/**
 * Opens a port that others of the same user may listen on too, when they ask for it as well; the kernel shares new
 * connections out among them (SO_REUSEPORT, socket(7)). `net.Server.listen` takes the descriptor over, and closes it;
 * what it has for this itself came with Node 22.12.
 */
export function openSharedPort(address: string, port: number, backlog: number): OpenedPort {
  const library = libc();
  if (typeof library === 'string') return { ok: false, error: library };
  const family = isIPv6(address) ? AF_INET6 : AF_INET;
  const fd = library.socket(family, STREAM, 0);
  if (fd < 0) return { ok: false, error: lastErrno() };
  const error = listenOn(library, fd, family, { address, port, backlog });
  if (error === undefined) return { ok: true, fd };
  library.close(fd);
  return { ok: false, error };
}

type Place = { readonly address: string; readonly port: number; readonly backlog: number };

/** The other options are those that Node sets. */
function listenOn(library: Libc, fd: number, family: number, { address, port, backlog }: Place): string | undefined {
  const options: readonly (readonly [SocketOption, number])[] = [
    ['SO_REUSEADDR', 1],
    ['SO_REUSEPORT', 1],
    ...(family === AF_INET6 ? ([['IPV6_V6ONLY', 0]] as const) : []),
  ];
  for (const [option, value] of options) {
    const error = setInt(fd, option, value);
    if (error !== undefined) return error.kind === 'errno' ? error.errno : error.reason;
  }
  const place = socketAddress(library, family, address, port);
  if (place === undefined) return 'EINVAL';
  if (library.bind(fd, place, place.length) !== 0 || library.listen(fd, backlog) !== 0) return lastErrno();
  return undefined;
}

/** `struct sockaddr_in` or `sockaddr_in6`, as ip(7) and ipv6(7) have them. */
function socketAddress(library: Libc, family: number, address: string, port: number): Buffer | undefined {
  const [size, offset] = family === AF_INET6 ? [28, 8] : [16, 4];
  const result = Buffer.alloc(size);
  result.writeUInt16LE(family);
  result.writeUInt16BE(port, 2);
  return library.inet_pton(family, address, result.subarray(offset)) === 1 ? result : undefined;
}
