import { FrameReader } from './frame-reader.ts';
import {
  broken,
  ConnectionError,
  ERROR,
  type ErrorCode,
  FLAG,
  FRAME,
  LAST_STREAM_ID,
  PREFACE,
  wrongLength,
} from './protocol.ts';
import { Sending, type SessionSettings } from './sending.ts';
import { PING_BYTES, SentPings } from './sent-pings.ts';
import { readSettings } from './settings.ts';
import { Streams, type StreamsHandler } from './streams.ts';

export type SessionHandler = StreamsHandler & {
  /** There are bytes to be written: `take` them when this turn of the event loop is over. */
  onOutput(): void;
  /** Our PING was acknowledged. */
  onPingAck(rttMs: number): void;
  /** The client has read that the session is going to end. */
  onEndSeen(): void;
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
  readonly #sending: Sending;
  readonly #startedAt: number;
  readonly #pings = new SentPings();
  /** Undefined before the first of them, so that a session that stays silent is small. */
  #streams: Streams | undefined;
  #prefaceRead = 0;
  #isSettled = false;
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
    this.#sending = new Sending(
      options.settings,
      options.now,
      () => handler.onOutput(),
      (stream) => this.#streams?.forget(stream),
    );
  }

  /** Streams that are not over. */
  get streams(): number {
    return this.#streams?.size ?? 0;
  }

  /** Nothing is read or served any more; what was said last waits in the output. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Frames sent so far that are no answers to PING and SETTINGS. */
  get said(): number {
    return this.#sending.said;
  }

  /**
   * A number of the head that has begun and is not whole: the preface, or a header block. Undefined: none has. A frame of
   * DATA may take its time.
   */
  get headUnderWay(): number | undefined {
    if (this.#prefaceRead < PREFACE.length) return this.#prefaceRead > 0 ? 0 : undefined;
    const isAmid = this.#streams?.amidBlock !== undefined || this.#reader.heldType === FRAME.HEADERS;
    return isAmid ? 1 + (this.#streams?.blocks ?? 0) : undefined;
  }

  /** Whether `take` would give more, though nothing has happened since. */
  get hasMore(): boolean {
    return this.#sending.hasMore;
  }

  /** Whether answers wait because the client gives them no window. */
  get isBlocked(): boolean {
    return this.#sending.isBlocked;
  }

  /**
   * Calls answers off of which nothing could be sent for so long, for want of a window. Tunnels stay.
   *
   * @returns how many
   */
  resetStalled(limitMs: number): number {
    return this.#isOver ? 0 : this.#sending.resetStalled(limitMs);
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
   * @param isCongested what was taken before is not written yet, so that no answers are added to it
   */
  take(isCongested: boolean): readonly Buffer[] {
    return this.#sending.take(isCongested);
  }

  /** Sends a PING. The ACK of one before it is no longer waited for. */
  ping(): void {
    if (!this.#isOver) this.#sending.ping(this.#pings.add(this.#options.now()));
  }

  /** Says that the session is going to end, and still serves all requests that come (RFC 9113, section 6.8). */
  announceEnd(): void {
    if (this.#isOver) return;
    this.#sending.goaway(LAST_STREAM_ID, ERROR.NO_ERROR);
    // Frames are answered in order: with its ACK the client has read the GOAWAY before it.
    this.#sending.ping(this.#pings.addEnd());
  }

  /** Serves those streams to their end that are there, and no others. */
  refuseStreams(): void {
    const streams = this.#begun();
    if (this.#isOver || streams.isFinal) return;
    streams.finish();
    this.#sending.goaway(streams.last, ERROR.NO_ERROR);
  }

  /** Ends everything at once, with a GOAWAY. */
  end(code: ErrorCode, complaint: string): void {
    if (this.#isOver) return;
    this.#sending.goaway(this.#streams?.last ?? 0, code, complaint);
    this.close();
  }

  /** The connection is gone. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#streams?.close();
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

  #begun(): Streams {
    this.#streams ??= new Streams(this.#options.settings, this.#sending, this.#handler);
    return this.#streams;
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (!this.#isSettled && type !== FRAME.SETTINGS) throw broken('a first frame that is not SETTINGS');
    const amidBlock = this.#streams?.amidBlock;
    if (amidBlock !== undefined && (type !== FRAME.CONTINUATION || id !== amidBlock)) {
      throw broken('a frame amid a header block');
    }
    switch (type) {
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
        if (id === 0) this.#windowUpdate(payload);
        else this.#begun().frame(type, flags, id, payload);
        return;
      case FRAME.HEADERS:
        this.#checkAcknowledged();
        this.#begun().frame(type, flags, id, payload);
        return;
      default:
        this.#begun().frame(type, flags, id, payload);
        return;
    }
  }

  #checkAcknowledged(): void {
    const { settingsTimeoutMs, now } = this.#options;
    if (this.#sending.isAcknowledged || now() - this.#startedAt <= settingsTimeoutMs) return;
    throw new ConnectionError(ERROR.SETTINGS_TIMEOUT, 'SETTINGS were not acknowledged');
  }

  #settings(flags: number, id: number, payload: Buffer): void {
    if (id !== 0) throw broken('SETTINGS on a stream');
    if ((flags & FLAG.ACK) !== 0) {
      if (payload.length > 0) throw wrongLength('SETTINGS');
      if (!this.#isSettled) throw broken('a first frame that acknowledges');
      this.#sending.isAcknowledged = true;
      return;
    }
    const former = this.#sending.peer.initialWindowBytes;
    const peer = readSettings(this.#sending.peer, payload);
    this.#sending.settle(peer);
    const difference = peer.initialWindowBytes - former;
    if (difference !== 0) this.#streams?.widen(difference);
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
    const rttMs = this.#pings.acknowledge(payload, this.#options.now());
    if (rttMs !== undefined) this.#handler.onPingAck(rttMs);
    else if (this.#pings.acknowledgeEnd(payload)) this.#handler.onEndSeen();
  }

  #windowUpdate(payload: Buffer): void {
    if (payload.length !== 4) throw wrongLength('WINDOW_UPDATE');
    const bytes = payload.readUInt32BE(0) & 0x7fff_ffff;
    if (bytes === 0) throw broken('a WINDOW_UPDATE of nothing');
    if (!this.#sending.widen(bytes)) throw new ConnectionError(ERROR.FLOW_CONTROL_ERROR, 'a window too large');
  }
}
