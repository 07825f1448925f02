import { attachFilter, type SocketOptionError } from './socket-option.ts';

/** One instruction of classic BPF: `struct sock_filter`. */
function instruction(code: number, ifTrue: number, ifFalse: number, operand: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(operand, 4);
  return bytes;
}

const TCP_FLAGS_OFFSET = 13;
const SYN = 0x02;
/** Reads the flags of the TCP header, and lets a packet pass that has no SYN among them. */
const NO_SYN = Buffer.concat([
  instruction(0x30, 0, 0, TCP_FLAGS_OFFSET),
  instruction(0x45, 0, 1, SYN),
  instruction(0x06, 0, 0, 0),
  instruction(0x06, 0, 0, 0xffff_ffff),
]);

/**
 * From now on a listening socket does not hear of new connections; those that have begun are finished and can be
 * accepted. A client asks again after a second, and is heard by whoever listens on the port then.
 */
export function ignoreNewConnections(fd: number): SocketOptionError | undefined {
  return attachFilter(fd, NO_SYN);
}
