import type { Socket } from 'node:net';
import { getTcpInfo, socketFd, type TcpInfo } from '@pulseplane/keepalive';

/** What comes little by little passes the kernel of a client that hangs, and may wait there for a moment. Bytes. */
const LEAST_WAITING = 16_384;

/** What a client's kernel takes of an answer: a PING that is sent amid one is behind it. */
export class Taken {
  readonly #socket: Socket;
  /** What was acknowledged, if more waited; else NaN. */
  #bytesAcked = Number.NaN;

  /** When a PING goes out. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.#mark(this.#info());
  }

  /**
   * When the client's kernel took something last of what waited at the PING, or the last call, as `performance.now()`
   * counts; 0: it took nothing.
   */
  at(): number {
    const info = this.#info();
    const hasTaken = info?.bytesAcked !== undefined && info.bytesAcked > this.#bytesAcked;
    this.#mark(info);
    return hasTaken ? performance.now() - info.lastAckReceivedMs : 0;
  }

  #mark(info: TcpInfo | undefined): void {
    const waiting = this.#socket.writableLength + (info?.notSentBytes ?? 0);
    this.#bytesAcked = waiting >= LEAST_WAITING ? (info?.bytesAcked ?? Number.NaN) : Number.NaN;
  }

  #info(): TcpInfo | undefined {
    const fd = socketFd(this.#socket);
    const read = fd === undefined ? undefined : getTcpInfo(fd);
    return read?.ok === true ? read.value : undefined;
  }
}
