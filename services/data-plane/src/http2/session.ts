import { FrameReader } from './frame-reader.ts';
import { HeaderBlocks } from './header-blocks.ts';
import {
  ConnectionError,
  DEFAULT_WINDOW_BYTES,
  ERROR,
  type ErrorCode,
  FLAG,
  FRAME,
  LAST_STREAM_ID,
  PREFACE,
} from './protocol.ts';
import { Sending, type SessionSettings } from './sending.ts';
import { PING_BYTES, SentPings } from './sent-pings.ts';
import { readSettings } from './settings.ts';
import { Http2Stream } from './stream.ts';
import { StreamIds } from './stream-ids.ts';

/** Frames that make the server work and cost the client nothing. */
export type IdleFrame = 'ping' | 'settings' | 'empty_data';

export type SessionHandler = {
  /** A request. The body comes to the stream's handler, from the next frame on. */
  onStream(stream: Http2Stream): void;
  /** There are bytes to be written: `take` them when this turn of the event loop is over. */
  onOutput(): void;
  onIdleFrame(frame: IdleFrame): void;
  /** The client reset a stream before it was answered, or one was refused for what it was. */
  onWasted(): void;
  /** A stream is over. */
  onStreamEnd(): void;
  /** The client ends the session (RFC 9113, section 6.8). */
  onPeerGoaway(code: number): void;
  /** The client broke the protocol. It is told so, and nothing more is read. */
  onError(error: ConnectionError): void;
};

export type SessionOptions = {
  readonly settings: SessionSettings;
  /** How long the client may take to acknowledge them, in milliseconds; looked at when it opens a stream. */
  readonly settingsTimeoutMs: number;
  /** Milliseconds that never go backwards. */
  now(): number;
};

/**
 * One HTTP/2 connection as its server sees it (RFC 9113), without any I/O: it is given the bytes that were read, and
 * gives those to be written.
 */
export class Http2Session {
  readonly #options: SessionOptions;
  readonly #handler: SessionHandler;
  readonly #reader: FrameReader;
  readonly #blocks: HeaderBlocks;
  readonly #sending: Sending;
  readonly #startedAt: number;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #ids = new StreamIds();
  readonly #pings = new SentPings();
  #prefaceRead = 0;
  #isSettled = false;
  #isAcknowledged = false;
  #isOver = false;

  constructor(options: SessionOptions, handler: SessionHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#startedAt = options.now();
    this.#reader = new FrameReader(
      options.settings.maxFrameBytes,
      (type, flags, id, payload) => this.#frame(type, flags, id, payload),
      () => this.#isOver,
    );
    this.#blocks = new HeaderBlocks(options.settings.maxHeaderBytes);
    this.#sending = new Sending(
      options.settings,
      () => handler.onOutput(),
      (stream) => {
        this.#streams.delete(stream.id);
        if (!stream.peerEnded) this.#ids.passOver(stream.id);
        handler.onStreamEnd();
      },
    );
  }

  /** Streams that are not over. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Nothing is read or served any more; what was said last waits in the output. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Frames sent so far that are no answers to PING and SETTINGS. */
  get said(): number {
    return this.#sending.said;
  }

  /** Whether `take` would give more, though nothing has happened since. */
  get hasMore(): boolean {
    return this.#sending.hasMore;
  }

  /** What came from the client, in any pieces. Never throws. */
  receive(piece: Buffer): void {
    if (this.#isOver) return;
    try {
      const rest = this.#prefaceRead < PREFACE.length ? this.#preface(piece) : piece;
      if (rest.length > 0) this.#reader.read(rest);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.end(error.code, error.message);
      this.#handler.onError(error);
    }
  }

  /**
   * The bytes to be written, in order.
   *
   * @param isCongested what was taken before is not written yet, so that no bodies are added to it
   */
  take(isCongested: boolean): readonly Buffer[] {
    return this.#sending.take(isCongested);
  }

  /**
   * Sends a PING.
   *
   * @param onAck hears how long its ACK took
   * @returns false when too many wait for theirs
   */
  ping(onAck: (rttMs: number) => void): boolean {
    const payload = this.#isOver ? undefined : this.#pings.add(this.#options.now(), onAck);
    if (payload === undefined) return false;
    this.#sending.ping(payload);
    return true;
  }

  /** Says that the session is going to end, and still serves all requests that come (RFC 9113, section 6.8). */
  announceEnd(): void {
    if (!this.#isOver) this.#sending.goaway(LAST_STREAM_ID, ERROR.NO_ERROR);
  }

  /** Serves those streams to their end that are there, and no others. */
  refuseStreams(): void {
    if (this.#isOver || this.#ids.isFinal) return;
    this.#ids.finish();
    this.#sending.goaway(this.#ids.last, ERROR.NO_ERROR);
  }

  /** Ends everything at once, with a GOAWAY. */
  end(code: ErrorCode, complaint: string): void {
    if (this.#isOver) return;
    this.#sending.goaway(this.#ids.last, code, complaint);
    this.close();
  }

  /** The connection is gone. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stream of this.#streams.values()) stream.close(ERROR.CANCEL);
  }

  #preface(piece: Buffer): Buffer {
    const from = this.#prefaceRead;
    const length = Math.min(piece.length, PREFACE.length - from);
    if (piece.compare(PREFACE, from, from + length, 0, length) !== 0) {
      throw new ConnectionError(ERROR.PROTOCOL_ERROR, 'no preface');
    }
    this.#prefaceRead += length;
    return piece.subarray(length);
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (!this.#isSettled && type !== FRAME.SETTINGS) throw broken('a first frame that is not SETTINGS');
    const { open } = this.#blocks;
    if (open !== undefined && (type !== FRAME.CONTINUATION || id !== open.stream)) {
      throw broken('a frame amid a header block');
    }
    switch (type) {
      case FRAME.DATA:
        this.#data(flags, id, payload);
        return;
      case FRAME.HEADERS:
        this.#headers(flags, id, payload);
        return;
      case FRAME.CONTINUATION:
        if (open === undefined) throw broken('a CONTINUATION of nothing');
        this.#blocks.continue(payload);
        if ((flags & FLAG.END_HEADERS) !== 0) this.#endBlock();
        return;
      case FRAME.PRIORITY:
        this.#priority(id, payload);
        return;
      case FRAME.RST_STREAM:
        this.#rstStream(id, payload);
        return;
      case FRAME.SETTINGS:
        this.#settings(flags, id, payload);
        return;
      case FRAME.PUSH_PROMISE:
        throw broken('a PUSH_PROMISE of a client');
      case FRAME.PING:
        this.#ping(flags, id, payload);
        return;
      case FRAME.GOAWAY:
        if (id !== 0) throw broken('a GOAWAY on a stream');
        if (payload.length < 8) throw wrongLength('GOAWAY');
        this.#handler.onPeerGoaway(payload.readUInt32BE(4));
        return;
      case FRAME.WINDOW_UPDATE:
        this.#windowUpdate(id, payload);
        return;
      default:
        // What is not known is passed over (RFC 9113, section 5.5).
        return;
    }
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
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      sending.giveBackConnection(payload.length);
      if (this.#ids.isNew(id)) throw broken('DATA on an idle stream');
      if (!this.#ids.isPassedOver(id)) this.#refuse(id, ERROR.STREAM_CLOSED);
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

  #endBlock(): void {
    const { open } = this.#blocks;
    const block = this.#blocks.end();
    if (open === undefined) return;
    const { stream: id, endStream, dependsOnItself } = open;
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      this.#trailers(stream, endStream && !dependsOnItself, block);
      return;
    }
    if (this.#ids.isPassedOver(id)) {
      this.#blocks.skip(block);
      return;
    }
    if (!this.#ids.isNew(id)) {
      if (this.#ids.wasLeftOut(id)) throw broken('a stream below the last');
      throw new ConnectionError(ERROR.STREAM_CLOSED, 'HEADERS on a closed stream');
    }
    this.#open(id, endStream, dependsOnItself, block);
  }

  #open(id: number, endStream: boolean, dependsOnItself: boolean, block: Buffer): void {
    const { settings, settingsTimeoutMs, now } = this.#options;
    this.#ids.open(id);
    if (!this.#isAcknowledged && now() - this.#startedAt > settingsTimeoutMs) {
      throw new ConnectionError(ERROR.SETTINGS_TIMEOUT, 'SETTINGS were not acknowledged');
    }
    const request = this.#blocks.readRequest(block);
    const isFull = this.#streams.size >= settings.maxStreams;
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
    // Before the client knows ours it may think that the window is what every connection begins with.
    const receive = this.#isAcknowledged ? settings.windowBytes : Math.max(settings.windowBytes, DEFAULT_WINDOW_BYTES);
    const windows = { receive, send: this.#sending.peer.initialWindowBytes };
    const stream = new Http2Stream(this.#sending, id, request.value, windows, endStream);
    this.#streams.set(id, stream);
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
    const stream = this.#streams.get(id);
    // A stream that is not open cannot be reset.
    if (stream === undefined) throw new ConnectionError(code, 'a wrong PRIORITY');
    this.#fail(stream, code);
  }

  #rstStream(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw wrongLength('RST_STREAM');
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#ids.isIdle(id)) throw broken('RST_STREAM of an idle stream');
      this.#ids.forget(id);
      return;
    }
    const isWasted = stream.status === undefined;
    stream.close(payload.readUInt32BE(0));
    // Nothing more of it is on its way.
    this.#ids.forget(id);
    if (isWasted) this.#handler.onWasted();
  }

  #settings(flags: number, id: number, payload: Buffer): void {
    if (id !== 0) throw broken('SETTINGS on a stream');
    if ((flags & FLAG.ACK) !== 0) {
      if (payload.length > 0) throw wrongLength('SETTINGS');
      if (!this.#isSettled) throw broken('a first frame that acknowledges');
      this.#isAcknowledged = true;
      return;
    }
    const former = this.#sending.peer.initialWindowBytes;
    const peer = readSettings(this.#sending.peer, payload);
    this.#sending.settle(peer);
    // Open streams too (RFC 9113, section 6.9.2).
    const difference = peer.initialWindowBytes - former;
    if (difference !== 0) {
      for (const stream of this.#streams.values()) {
        if (!stream.widen(difference)) throw new ConnectionError(ERROR.FLOW_CONTROL_ERROR, 'a window too large');
      }
    }
    // The first are asked for.
    if (this.#isSettled) this.#handler.onIdleFrame('settings');
    this.#isSettled = true;
  }

  #ping(flags: number, id: number, payload: Buffer): void {
    if (id !== 0) throw broken('PING on a stream');
    if (payload.length !== PING_BYTES) throw wrongLength('PING');
    if ((flags & FLAG.ACK) === 0) {
      this.#sending.answerPing(payload);
      this.#handler.onIdleFrame('ping');
      return;
    }
    this.#pings.acknowledge(payload, this.#options.now());
  }

  #windowUpdate(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw wrongLength('WINDOW_UPDATE');
    const bytes = payload.readUInt32BE(0) & 0x7fff_ffff;
    if (id === 0) {
      if (bytes === 0) throw broken('a WINDOW_UPDATE of nothing');
      if (!this.#sending.widen(bytes)) throw new ConnectionError(ERROR.FLOW_CONTROL_ERROR, 'a window too large');
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#ids.isIdle(id)) throw broken('a WINDOW_UPDATE of an idle stream');
      return;
    }
    if (bytes === 0) this.#fail(stream, ERROR.PROTOCOL_ERROR);
    else if (!stream.widen(bytes)) this.#fail(stream, ERROR.FLOW_CONTROL_ERROR);
  }

  /** A stream error (RFC 9113, section 5.4.2) of a stream that is open. */
  #fail(stream: Http2Stream, code: ErrorCode): void {
    const isWasted = stream.status === undefined;
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

function broken(rule: string): ConnectionError {
  return new ConnectionError(ERROR.PROTOCOL_ERROR, rule);
}

function wrongLength(frame: string): ConnectionError {
  return new ConnectionError(ERROR.FRAME_SIZE_ERROR, `a ${frame} frame of a wrong length`);
}
