import { Duplex, Readable } from 'node:stream';
import { ERROR } from '../http2/protocol.ts';
import type { Http2Stream } from '../http2/stream.ts';

/** So many pieces wait for a reader. What comes then is put together: a piece costs far more than the byte that it may be. */
const MOST_PIECES = 4;

/** What was read may be so many times as large as a piece of it that waits: of a smaller piece there is a copy. */
const MOST_KEPT = 8;

/** The body of an HTTP/2 request as Node has it. */
export class Http2Body extends Readable {
  readonly #inflow: Inflow;

  constructor(stream: Http2Stream) {
    super({ objectMode: true, highWaterMark: MOST_PIECES });
    this.#inflow = new Inflow(stream);
  }

  receive(piece: Buffer): void {
    this.#inflow.pass(this, piece);
  }

  /** The client has sent all. */
  finish(): void {
    this.#inflow.finish(this);
  }

  override _read(): void {
    this.#inflow.resume(this);
  }

  /** The answer goes its own way, so the stream goes on. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#inflow.resume(this);
    callback(error);
  }
}

/** Both directions of an HTTP/2 stream that carries another protocol. Each ends by itself. */
export class Http2Tunnel extends Duplex {
  readonly #stream: Http2Stream;
  readonly #inflow: Inflow;
  #goOn: (() => void) | undefined;

  constructor(stream: Http2Stream) {
    super({ readableObjectMode: true, readableHighWaterMark: MOST_PIECES });
    this.#stream = stream;
    this.#inflow = new Inflow(stream);
    // Nothing is asked for any more then, and it may go on the other way for long.
    this.once('end', () => this.#inflow.resume(this));
    if (stream.peerEnded) this.finish();
  }

  receive(piece: Buffer): void {
    this.#inflow.pass(this, piece);
  }

  /** The client has sent all. */
  finish(): void {
    this.#inflow.finish(this);
  }

  /** The client takes more again. */
  drained(): void {
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
  }

  override _read(): void {
    this.#inflow.resume(this);
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.#stream.write(piece)) callback();
    else this.#goOn = callback;
  }

  override _final(callback: () => void): void {
    this.#stream.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#inflow.resume(this);
    // What both ends have finished may still be on its way out.
    if (!this.readableEnded || !this.writableFinished) this.#stream.reset(ERROR.CANCEL);
    this.drained();
    callback(error);
  }
}

/** What comes in, with the client's window as small as its reader is slow. */
class Inflow {
  readonly #stream: Http2Stream;
  /** Bytes that the reader has or gets, and that the client is not to follow up yet. */
  #held = 0;
  /** What came since the reader has enough, in front of room for more. */
  #late = NOTHING;
  #lateBytes = 0;

  constructor(stream: Http2Stream) {
    this.#stream = stream;
  }

  pass(reader: Readable, piece: Buffer): void {
    if (reader.destroyed) this.#stream.consumed(piece.length);
    else if (this.#held > 0) this.#gather(piece);
    else if (reader.push(compact(piece))) this.#stream.consumed(piece.length);
    else this.#held = piece.length;
  }

  resume(reader: Readable): void {
    const late = this.#takeLate();
    const taken = this.#held - late.length;
    this.#held = 0;
    this.#stream.consumed(taken);
    if (late.length > 0) this.pass(reader, late);
  }

  finish(reader: Readable): void {
    const late = this.#takeLate();
    if (late.length > 0) reader.push(late);
    reader.push(null);
  }

  #gather(piece: Buffer): void {
    const bytes = this.#lateBytes + piece.length;
    if (bytes > this.#late.length) {
      const larger = Buffer.allocUnsafeSlow(2 * bytes);
      this.#late.copy(larger, 0, 0, this.#lateBytes);
      this.#late = larger;
    }
    piece.copy(this.#late, this.#lateBytes);
    this.#lateBytes = bytes;
    this.#held += piece.length;
  }

  #takeLate(): Buffer {
    const late = this.#late.subarray(0, this.#lateBytes);
    this.#late = NOTHING;
    this.#lateBytes = 0;
    return late;
  }
}

/** A small Buffer keeps a large one alive. Small ones share what Node has in store for them. */
function compact(piece: Buffer): Buffer {
  const { byteLength } = piece.buffer;
  return byteLength > Buffer.poolSize && byteLength > MOST_KEPT * piece.length ? Buffer.from(piece) : piece;
}

const NOTHING = Buffer.alloc(0);
