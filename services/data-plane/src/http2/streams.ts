import { HeaderBlocks } from './header-blocks.ts';
import { broken, ConnectionError, ERROR, type ErrorCode, FLAG, FRAME, wrongLength } from './protocol.ts';
import type { Sending, SessionSettings } from './sending.ts';
import { Http2Stream } from './stream.ts';
import { StreamIds } from './stream-ids.ts';

/** Frames that make the server work and cost the client nothing. */
export type IdleFrame = 'ping' | 'settings' | 'empty_data';

/** Hears of the streams of a session. */
export type StreamsHandler = {
  /** A request. The body comes to the stream's handler, from the next frame on. */
  onStream(stream: Http2Stream): void;
  onIdleFrame(frame: IdleFrame): void;
  /** The client reset a stream before its answer began to go out, or one was refused for what it was. */
  onWasted(): void;
  /** A stream is over. */
  onStreamEnd(): void;
};

/** The streams of one session: frames that concern one of them (RFC 9113, sections 5, 6 and 8). */
export class Streams {
  readonly #settings: SessionSettings;
  readonly #sending: Sending;
  readonly #handler: StreamsHandler;
  readonly #blocks: HeaderBlocks;
  readonly #ids = new StreamIds();
  readonly #open = new Map<number, Http2Stream>();

  constructor(settings: SessionSettings, sending: Sending, handler: StreamsHandler) {
    this.#settings = settings;
    this.#sending = sending;
    this.#handler = handler;
    this.#blocks = new HeaderBlocks(settings.maxHeaderBytes);
  }

  /** Those that are not over. */
  get size(): number {
    return this.#open.size;
  }

  /** The last that the client opened. */
  get last(): number {
    return this.#ids.last;
  }

  /** None is served beyond those that were opened. */
  get isFinal(): boolean {
    return this.#ids.isFinal;
  }

  finish(): void {
    this.#ids.finish();
  }

  /** Whose header block is under way: no other frame may come before its end (RFC 9113, section 4.3). */
  get amidBlock(): number | undefined {
    return this.#blocks.open?.stream;
  }

  /** How many header blocks have come whole. */
  get blocks(): number {
    return this.#blocks.ended;
  }

  /** @throws {ConnectionError} */
  frame(type: number, flags: number, id: number, payload: Buffer): void {
    switch (type) {
      case FRAME.DATA:
        this.#data(flags, id, payload);
        return;
      case FRAME.HEADERS:
        this.#headers(flags, id, payload);
        return;
      case FRAME.CONTINUATION:
        this.#continuation(flags, payload);
        return;
      case FRAME.PRIORITY:
        this.#priority(id, payload);
        return;
      case FRAME.RST_STREAM:
        this.#rstStream(id, payload);
        return;
      case FRAME.WINDOW_UPDATE:
        this.#windowUpdate(id, payload);
        return;
      default:
        // What is not known is passed over (RFC 9113, section 5.5).
        return;
    }
  }

  /**
   * The client's window for each of them is another (RFC 9113, section 6.9.2).
   *
   * @throws {ConnectionError}
   */
  widen(difference: number): void {
    for (const stream of this.#open.values()) {
      if (!stream.widen(difference)) throw new ConnectionError(ERROR.FLOW_CONTROL_ERROR, 'a window too large');
    }
  }

  /** One is over. */
  forget(stream: Http2Stream): void {
    this.#open.delete(stream.id);
    if (!stream.peerEnded) this.#ids.passOver(stream.id);
    this.#handler.onStreamEnd();
  }

  /** All are. */
  close(): void {
    for (const stream of this.#open.values()) stream.close(ERROR.CANCEL);
  }

  #data(flags: number, id: number, payload: Buffer): void {
    if (id === 0) throw broken('DATA without a stream');
    const piece = unpadded(flags, payload);
    const sending = this.#sending;
    // Padding counts (RFC 9113, section 6.9.1).
    if (payload.length > sending.receiveWindow) {
      throw new ConnectionError(ERROR.FLOW_CONTROL_ERROR, 'more DATA than the connection takes');
    }
    sending.receiveWindow -= payload.length;
    const stream = this.#open.get(id);
    if (stream === undefined) {
      sending.giveBackConnection(payload.length);
      if (this.#ids.isNew(id)) throw broken('DATA on an idle stream');
      if (!this.#ids.isPassedOver(id)) this.#refuse(id, ERROR.STREAM_CLOSED);
      else if ((flags & FLAG.END_STREAM) !== 0) this.#ids.forget(id);
      return;
    }
    if (payload.length > stream.receiveWindow || stream.peerEnded) {
      sending.giveBackConnection(payload.length);
      this.#fail(stream, stream.peerEnded ? ERROR.STREAM_CLOSED : ERROR.FLOW_CONTROL_ERROR);
      return;
    }
    stream.receiveWindow -= payload.length;
    if (payload.length > piece.length) sending.giveBack(stream, payload.length - piece.length);
    const endStream = (flags & FLAG.END_STREAM) !== 0;
    if (piece.length === 0 && !endStream) {
      this.#handler.onIdleFrame('empty_data');
      return;
    }
    if (piece.length > 0 && !stream.received(piece)) {
      sending.giveBackConnection(piece.length);
      this.#fail(stream, ERROR.PROTOCOL_ERROR);
      return;
    }
    if (endStream && !stream.isOver) this.#endPeer(stream, []);
  }

  #endPeer(stream: Http2Stream, trailers: readonly string[]): void {
    if (stream.isWhole) stream.endPeer(trailers);
    else this.#fail(stream, ERROR.PROTOCOL_ERROR);
  }

  #headers(flags: number, id: number, payload: Buffer): void {
    if (id % 2 === 0) throw broken('HEADERS on a stream that no client opens');
    let part = unpadded(flags, payload);
    let dependsOnItself = false;
    if ((flags & FLAG.PRIORITY) !== 0) {
      if (part.length < 5) throw wrongLength('HEADERS');
      dependsOnItself = (part.readUInt32BE(0) & 0x7fff_ffff) === id;
      part = part.subarray(5);
    }
    this.#blocks.begin({ stream: id, endStream: (flags & FLAG.END_STREAM) !== 0, dependsOnItself }, part);
    if ((flags & FLAG.END_HEADERS) !== 0) this.#endBlock();
  }

  #continuation(flags: number, payload: Buffer): void {
    if (this.#blocks.open === undefined) throw broken('a CONTINUATION of nothing');
    this.#blocks.continue(payload);
    if ((flags & FLAG.END_HEADERS) !== 0) this.#endBlock();
  }

  #endBlock(): void {
    const { open } = this.#blocks;
    const block = this.#blocks.end();
    if (open === undefined) return;
    const { stream: id, endStream, dependsOnItself } = open;
    const stream = this.#open.get(id);
    if (stream !== undefined) {
      this.#trailers(stream, endStream && !dependsOnItself, block);
      return;
    }
    if (this.#ids.isPassedOver(id)) {
      this.#blocks.skip(block);
      if (endStream) this.#ids.forget(id);
      return;
    }
    if (!this.#ids.isNew(id)) {
      if (this.#ids.wasLeftOut(id)) throw broken('a stream below the last');
      throw new ConnectionError(ERROR.STREAM_CLOSED, 'HEADERS on a closed stream');
    }
    this.#begin(id, endStream, dependsOnItself, block);
  }

  #begin(id: number, endStream: boolean, dependsOnItself: boolean, block: Buffer): void {
    this.#ids.open(id);
    const request = this.#blocks.readRequest(block);
    const isFull = this.#open.size >= this.#settings.maxStreams;
    if (isFull || request.kind !== 'good' || dependsOnItself) {
      if (!endStream) this.#ids.passOver(id);
      const code = request.kind === 'too_large' ? ERROR.ENHANCE_YOUR_CALM : ERROR.PROTOCOL_ERROR;
      this.#refuse(id, isFull ? ERROR.REFUSED_STREAM : code);
      return;
    }
    if (endStream && (request.value.contentLength ?? 0) > 0) {
      this.#refuse(id, ERROR.PROTOCOL_ERROR);
      return;
    }
    const windows = { receive: this.#sending.streamReceiveWindow, send: this.#sending.peer.initialWindowBytes };
    const stream = new Http2Stream(this.#sending, id, request.value, windows, endStream);
    this.#open.set(id, stream);
    this.#handler.onStream(stream);
  }

  #trailers(stream: Http2Stream, endStream: boolean, block: Buffer): void {
    const trailers = this.#blocks.readTrailers(block);
    if (stream.peerEnded) {
      this.#fail(stream, ERROR.STREAM_CLOSED);
      return;
    }
    if (!endStream || trailers.kind !== 'good') {
      this.#fail(stream, ERROR.PROTOCOL_ERROR);
      return;
    }
    this.#endPeer(stream, trailers.value);
  }

  #priority(id: number, payload: Buffer): void {
    if (id === 0) throw broken('PRIORITY without a stream');
    const isLong = payload.length === 5;
    if (isLong && (payload.readUInt32BE(0) & 0x7fff_ffff) !== id) return;
    const code = isLong ? ERROR.PROTOCOL_ERROR : ERROR.FRAME_SIZE_ERROR;
    const stream = this.#open.get(id);
    // A stream that is not open cannot be reset.
    if (stream === undefined) throw new ConnectionError(code, 'a wrong PRIORITY');
    this.#fail(stream, code);
  }

  #rstStream(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw wrongLength('RST_STREAM');
    const stream = this.#open.get(id);
    if (stream === undefined) {
      if (this.#ids.isIdle(id)) throw broken('RST_STREAM of an idle stream');
      this.#ids.forget(id);
      return;
    }
    const isWasted = !stream.isBegun;
    stream.close(payload.readUInt32BE(0));
    // Nothing more of it is on its way.
    this.#ids.forget(id);
    if (isWasted) this.#handler.onWasted();
  }

  #windowUpdate(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw wrongLength('WINDOW_UPDATE');
    const bytes = payload.readUInt32BE(0) & 0x7fff_ffff;
    const stream = this.#open.get(id);
    if (stream === undefined) {
      if (this.#ids.isIdle(id)) throw broken('a WINDOW_UPDATE of an idle stream');
      return;
    }
    if (bytes === 0) this.#fail(stream, ERROR.PROTOCOL_ERROR);
    else if (!stream.widen(bytes)) this.#fail(stream, ERROR.FLOW_CONTROL_ERROR);
  }

  /** A stream error (RFC 9113, section 5.4.2) of a stream that is open. */
  #fail(stream: Http2Stream, code: ErrorCode): void {
    const isWasted = !stream.isBegun;
    stream.reset(code);
    if (isWasted) this.#handler.onWasted();
  }

  /** A stream error of one that is not. */
  #refuse(id: number, code: ErrorCode): void {
    this.#sending.reset(id, code);
    this.#handler.onWasted();
  }
}

/** @throws {ConnectionError} */
function unpadded(flags: number, payload: Buffer): Buffer {
  if ((flags & FLAG.PADDED) === 0) return payload;
  const padding = payload[0];
  if (padding === undefined || padding >= payload.length) throw broken('more padding than payload');
  return payload.subarray(1, payload.length - padding);
}
