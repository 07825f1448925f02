import { ADDRCONFIG, lookup } from 'node:dns';
import { getDefaultAutoSelectFamilyAttemptTimeout, isIP } from 'node:net';
import { constants } from 'node:os';
import { HandleSocket } from './handle-socket.ts';
import { type TcpBinding, tcpError } from './tcp-binding.ts';

type Place = { readonly host: string; readonly port: number };

/**
 * Connects as `net.connect` does: to the addresses of a name one after the other, the families in turn, the next one when
 * one fails or takes too long. The socket says `connect`, or closes after an error; destroying it gives up.
 */
export const connectHandle =
  (binding: TcpBinding) =>
  ({ host, port }: Place): HandleSocket => {
    const socket = new HandleSocket(binding);
    if (isIP(host) !== 0) {
      attempt(binding, socket, port, [host]);
      return socket;
    }
    lookup(host, { all: true, hints: ADDRCONFIG }, (error, found) => {
      if (socket.destroyed) return;
      if (error !== null) return socket.destroy(error);
      attempt(binding, socket, port, inTurn(found.map(({ address }) => address)));
    });
    return socket;
  };

/** Tries addresses one after the other until one takes the connection. */
export function attempt(
  binding: TcpBinding,
  socket: HandleSocket,
  port: number,
  [address, ...others]: readonly string[],
  failed: readonly Error[] = [],
): void {
  if (address === undefined) {
    socket.destroy(together(failed));
    return;
  }
  const handle = binding.openHandle();
  socket.hold(handle);
  const request = new binding.ConnectRequest();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const over = (status: number): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    if (socket.destroyed) return;
    if (status !== 0) {
      const error = Object.assign(tcpError(status, 'connect', ` ${address}:${port}`), { address, port });
      attempt(binding, socket, port, others, [...failed, error]);
    } else {
      socket.open(handle);
      socket.emit('connect');
    }
  };
  request.oncomplete = over;
  const status = isIP(address) === 6 ? handle.connect6(request, address, port) : handle.connect(request, address, port);
  if (status !== 0) {
    over(status);
  } else if (others.length > 0) {
    timer = setTimeout(over, getDefaultAutoSelectFamilyAttemptTimeout(), -constants.errno.ETIMEDOUT);
    timer.unref();
  }
}

/** Each address once: the family of the first, then the other, and so on. */
export function inTurn(found: readonly string[]): readonly string[] {
  const addresses = [...new Set(found)];
  const isFirst = (address: string) => isIP(address) === isIP(addresses[0] ?? '');
  const [first, second] = [addresses.filter(isFirst), addresses.filter((address) => !isFirst(address))];
  return addresses.flatMap((_, index) => [first[index], second[index]]).filter((address) => address !== undefined);
}

function together(errors: readonly Error[]): Error {
  const [first] = errors;
  if (first !== undefined && errors.length === 1) return first;
  const code = first !== undefined && 'code' in first ? first.code : 'ENOTFOUND';
  return Object.assign(new AggregateError(errors, errors.map(({ message }) => message).join('; ')), { code });
}
