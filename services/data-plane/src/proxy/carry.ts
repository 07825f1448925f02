import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { CHUNK } from '../transport/chunk.ts';
import type { HandleSocket, Reader } from '../transport/handle-socket.ts';
import { readInto } from '../transport/read-into.ts';
import { sendPast } from './send-past.ts';

/** One direction of a connection. */
export type Carried = {
  /** Sent past the socket, which does not count them. Bytes. */
  readonly bytesSent: number;
};

/**
 * Carries bytes one way, no faster than they are read at the end, and passes their end on by itself.
 *
 * @param onEnd the end is passed on
 */
export type Carry<End = Duplex> = (from: End, to: End, onEnd?: () => void) => Carried;

const ALL_COUNTED: Carried = { bytesSent: 0 };

/** What `pipe` does, with a quarter of its listeners: a worker holds many connections that are silent. */
export const carryStream: Carry = (from, to, onEnd) => {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  passEndOn(from, to, onEnd);
  // Who has read the first bytes has stopped it.
  if (to.writableNeedDrain) from.pause();
  else from.resume();
  return ALL_COUNTED;
};

/** The same for sockets, past their streams where this Node allows it: that costs half, and no memory while nothing comes. */
export const carrySocket: Carry = (from, to, onEnd) => {
  if (!isPlain(from) || !isPlain(to)) return carryStream(from, to, onEnd);
  const direction = new SocketDirection(from, to);
  // What came before goes the usual way.
  for (let chunk = from.read(); chunk !== null; chunk = from.read()) to.write(chunk);
  if (!readInto(from, CHUNK, (length) => direction.pass(length))) return carryStream(from, to, onEnd);
  passEndOn(from, to, onEnd);
  from.resume();
  return direction;
};

/** The same without streams. */
export const carryHandle: Carry<HandleSocket> = (from, to, onEnd) => {
  from.read(new HandleDirection(from, to, onEnd));
  return ALL_COUNTED;
};

class HandleDirection implements Reader {
  readonly #from: HandleSocket;
  readonly #to: HandleSocket;
  readonly #onEnd: (() => void) | undefined;

  constructor(from: HandleSocket, to: HandleSocket, onEnd: (() => void) | undefined) {
    this.#from = from;
    this.#to = to;
    this.#onEnd = onEnd;
  }

  take(bytes: Buffer, length: number): boolean {
    return this.#to.send(bytes, length, this.#from);
  }

  end(): void {
    this.#onEnd?.();
    this.#to.end();
  }
}

function passEndOn(from: Duplex, to: Duplex, onEnd?: () => void): void {
  const end = () => {
    onEnd?.();
    to.end();
  };
  // A peer that said nothing and left may have ended before.
  if (from.readableEnded) end();
  else from.on('end', end);
}

/** What is encrypted is not what is sent. */
function isPlain(stream: Duplex): stream is Socket {
  return stream instanceof Socket && !(stream instanceof TLSSocket);
}

class SocketDirection implements Carried {
  bytesSent = 0;
  readonly #from: Socket;
  readonly #to: Socket;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
  }

  /** Sends what was read. False: nothing more is to be read for now. */
  pass(length: number): boolean {
    const sent = sendPast(this.#to, CHUNK, length);
    if (sent === undefined) return true;
    this.bytesSent += sent;
    if (sent === length) return true;
    // The kernel has no room, so it goes the usual way and is waited for.
    this.#to.write(Buffer.from(CHUNK.subarray(sent, length)), () => this.#from.resume());
    return false;
  }
}
