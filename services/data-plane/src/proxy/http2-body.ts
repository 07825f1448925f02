import { Duplex, Readable } from 'node:stream';
import { ERROR } from '../http2/protocol.ts';
import type { Http2Stream } from '../http2/stream.ts';

/** The body of an HTTP/2 request as Node has it. */
export class Http2Body extends Readable {
  readonly #inflow: Inflow;

  constructor(stream: Http2Stream) {
    super();
    this.#inflow = new Inflow(stream);
  }

  receive(piece: Buffer): void {
    this.#inflow.pass(this, piece);
  }

  override _read(): void {
    this.#inflow.resume();
  }

  /** The answer goes its own way, so the stream goes on. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#inflow.resume();
    callback(error);
  }
}

/** Both directions of an HTTP/2 stream that carries another protocol. Each ends by itself. */
export class Http2Tunnel extends Duplex {
  readonly #stream: Http2Stream;
  readonly #inflow: Inflow;
  #goOn: (() => void) | undefined;

  constructor(stream: Http2Stream) {
    super();
    this.#stream = stream;
    this.#inflow = new Inflow(stream);
    if (stream.peerEnded) this.push(null);
  }

  receive(piece: Buffer): void {
    this.#inflow.pass(this, piece);
  }

  /** The client takes more again. */
  drained(): void {
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
  }

  override _read(): void {
    this.#inflow.resume();
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
    this.#inflow.resume();
    // What both ends have finished may still be on its way out.
    if (!this.readableEnded || !this.writableFinished) this.#stream.reset(ERROR.CANCEL);
    this.drained();
    callback(error);
  }
}

/** What comes in, with the client's window as small as its reader is slow. */
class Inflow {
  readonly #stream: Http2Stream;
  #held = 0;

  constructor(stream: Http2Stream) {
    this.#stream = stream;
  }

  pass(reader: Readable, piece: Buffer): void {
    if (reader.destroyed || reader.push(piece)) this.#stream.consumed(piece.length);
    else this.#held += piece.length;
  }

  resume(): void {
    const held = this.#held;
    this.#held = 0;
    this.#stream.consumed(held);
  }
}
