import { EventEmitter } from 'node:events';
import { getSystemErrorName } from 'node:util';
import { sendNow } from '@pulseplane/keepalive';
import { CHUNK } from './chunk.ts';
import { type TcpAddress, type TcpBinding, type TcpHandle, tcpError } from './tcp-binding.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** Who reads. An object rather than closures: a worker holds many connections that are silent. */
export type Reader = {
  /** The first `length` bytes are its own until it returns. False: nothing more until `resume`. */
  take(bytes: Buffer, length: number): boolean;
  /** There is nothing more. */
  end(): void;
};

/** Told once, when what waited is sent. */
export type Waiting = { resume(): void };

/** What may come before there is a reader. Bytes. */
const EARLY_BYTES = CHUNK.length;

/**
 * A TCP connection over Node's handle, without the streams of `net.Socket`, which cost more than the connection itself.
 * It behaves as a `net.Socket` with `allowHalfOpen` and `noDelay` does, in ends, errors and the order of events.
 */
export class HandleSocket extends EventEmitter implements TcpSocket {
  destroyed = false;
  readableEnded = false;
  writableEnded = false;
  writableFinished = false;
  /** Where `socketFd` looks for it, as in a `net.Socket`. */
  _handle: TcpHandle | undefined;
  readonly #binding: TcpBinding;
  #reader: Reader | undefined;
  #early: Buffer[] | undefined;
  #earlyLength = 0;
  #isReading = false;
  #hasReadAll = false;
  #waiting = 0;
  /** Sent past the handle, which does not count them. */
  #sentPast = 0;
  #bytesRead = 0;
  #bytesWritten = 0;
  #remote: TcpAddress | undefined;

  constructor(binding: TcpBinding) {
    super();
    this.#binding = binding;
  }

  get remoteAddress(): string | undefined {
    return this.#remoteEnd().address;
  }

  get remotePort(): number | undefined {
    return this.#remoteEnd().port;
  }

  get localAddress(): string | undefined {
    return this.#localEnd().address;
  }

  get localPort(): number | undefined {
    return this.#localEnd().port;
  }

  get bytesRead(): number {
    return this._handle?.bytesRead ?? this.#bytesRead;
  }

  get bytesWritten(): number {
    return (this._handle?.bytesWritten ?? this.#bytesWritten) + this.#sentPast;
  }

  /** Takes over the handle of a connection that is open; reads from now on. */
  open(handle: TcpHandle): void {
    this.hold(handle);
    handle.setNoDelay(true);
    handle.onread = HandleSocket.#onRead;
    handle.useUserBuffer(CHUNK);
    this.resume();
  }

  /** Has a handle that is closed when the socket is destroyed, or before it has another. */
  hold(handle: TcpHandle): void {
    if (this._handle !== handle) this._handle?.close();
    this._handle = handle;
    handle.owner = this;
  }

  /** Gives what has come to a reader, and from then on what comes. */
  read(reader: Reader): void {
    this.#reader = reader;
    const early = this.#early && Buffer.concat(this.#early);
    this.#early = undefined;
    if (early === undefined || reader.take(early, early.length)) this.resume();
    else this.#pause();
  }

  /** Reads again, or tells of the end if that has come meanwhile. */
  resume(): void {
    if (this._handle === undefined) return;
    if (this.#hasReadAll) {
      this.#tellEnd();
      return;
    }
    if (this.#isReading) return;
    this.#isReading = true;
    const status = this._handle.readStart();
    if (status !== 0) this.destroy(tcpError(status, 'read'));
  }

  /**
   * Sends the first `length` bytes, at once as far as the kernel has room. What it has not is copied and waits.
   *
   * @returns whether nothing waits; then `waiting` is not told
   */
  send(bytes: Buffer, length: number, waiting: Waiting): boolean {
    const handle = this._handle;
    if (handle === undefined || this.writableEnded) return true;
    const sent = this.#waiting > 0 ? 0 : sendNow(handle.fd, bytes, length);
    if (typeof sent === 'string') {
      this.destroy(Object.assign(new Error(`write ${sent}`), { code: sent, syscall: 'write' }));
      return true;
    }
    this.#sentPast += sent;
    return sent === length || this.#write(handle, Buffer.from(bytes.subarray(sent, length)), waiting);
  }

  /** Ends what goes out after all that waits; what comes may go on. */
  end(): void {
    const handle = this._handle;
    if (handle === undefined || this.writableEnded) return;
    this.writableEnded = true;
    // What ended both ways is closed, which tells the peer as well.
    if (this.#hasReadAll && this.#waiting === 0) {
      this.destroy();
      return;
    }
    const request = new this.#binding.ShutdownRequest();
    const over = (status: number): void => {
      this.writableFinished = true;
      // A connection that is gone needs no end.
      if (status < 0 && getSystemErrorName(status) !== 'ENOTCONN') this.destroy(tcpError(status, 'shutdown'));
      else if (this.#hasReadAll) this.destroy();
    };
    request.oncomplete = over;
    const status = handle.shutdown(request);
    if (status !== 0) over(Math.min(status, 0));
  }

  destroy(error?: Error): void {
    if (this.destroyed) return;
    this.destroyed = true;
    if (error !== undefined) process.nextTick(() => this.emit('error', error));
    const handle = this._handle;
    if (handle === undefined) {
      process.nextTick(() => this.emit('close'));
      return;
    }
    this.#bytesRead = handle.bytesRead;
    this.#bytesWritten = handle.bytesWritten;
    this._handle = undefined;
    this.#early = undefined;
    handle.close(HandleSocket.#onClosed);
  }

  #write(handle: TcpHandle, bytes: Buffer, waiting: Waiting): boolean {
    const { WriteRequest, isLastWriteWaiting } = this.#binding;
    const request = new WriteRequest();
    request.bytes = bytes;
    request.oncomplete = (status) => {
      this.#waiting -= 1;
      if (status < 0) this.destroy(tcpError(status, 'write'));
      else waiting.resume();
    };
    const status = handle.writeBuffer(request, bytes);
    if (status !== 0) this.destroy(tcpError(status, 'write'));
    if (status !== 0 || !isLastWriteWaiting()) return true;
    this.#waiting += 1;
    return false;
  }

  #pause(): void {
    this.#isReading = false;
    this._handle?.readStop();
  }

  #received(length: number): void {
    if (this.destroyed || length === 0) return;
    if (length < 0) {
      if (getSystemErrorName(length) === 'EOF') this.#receivedAll();
      else this.destroy(tcpError(length, 'read'));
      return;
    }
    const goOn = this.#reader === undefined ? this.#keep(length) : this.#reader.take(CHUNK, length);
    if (!goOn) this.#pause();
  }

  #receivedAll(): void {
    this.#hasReadAll = true;
    this.#tellEnd();
    if (this.writableFinished) this.destroy();
  }

  /** Whoever reads has all before it. */
  #tellEnd(): void {
    if (this.#reader === undefined || this.readableEnded) return;
    this.readableEnded = true;
    this.#reader.end();
  }

  /** Nobody reads yet. */
  #keep(length: number): boolean {
    this.#early ??= [];
    this.#early.push(Buffer.from(CHUNK.subarray(0, length)));
    this.#earlyLength += length;
    return this.#earlyLength < EARLY_BYTES;
  }

  #remoteEnd(): TcpAddress {
    if (this.#remote?.address === undefined) {
      this.#remote = {};
      this._handle?.getpeername(this.#remote);
    }
    return this.#remote;
  }

  #localEnd(): TcpAddress {
    const found = {};
    this._handle?.getsockname(found);
    return found;
  }

  /** Functions that all handles share: they are called with the handle as `this`. */
  static readonly #onRead: TcpHandle['onread'] = function () {
    if (this.owner instanceof HandleSocket) this.owner.#received(this.owner.#binding.lastRead());
  };
  static readonly #onClosed: TcpHandle['onread'] = function () {
    if (this.owner instanceof HandleSocket) this.owner.emit('close');
  };
}
