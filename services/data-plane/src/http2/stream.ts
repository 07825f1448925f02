import { Pieces } from './pieces.ts';
import { ERROR, type ErrorCode, LARGEST_WINDOW_BYTES } from './protocol.ts';
import { type Http2Request, sendableFields } from './request.ts';

/** Hears of one stream. Without one the body is thrown away. */
export type StreamHandler = {
  /** A piece of the body. It counts against the peer's window until it is `consumed`. */
  onData(piece: Buffer): void;
  /** The body has ended, with trailers as names and values in turn. */
  onEnd(trailers: readonly string[]): void;
  /** There is room again after a `write` that said no. */
  onRoom(): void;
  /** Nothing comes or goes any more. Called once. */
  onClose(): void;
};

/** What a stream needs of its session. */
export type StreamOwner = {
  /** Something waits to be sent. */
  sendSoon(stream: Http2Stream): void;
  sendReset(stream: Http2Stream, code: ErrorCode): void;
  /** The peer may send so much more, on the stream and in all. */
  giveBack(stream: Http2Stream, bytes: number): void;
  forget(stream: Http2Stream): void;
};

/** Who writes is told to wait when so much of a stream waits already. */
const HIGH_WATER_BYTES = 65_536;
const LOW_WATER_BYTES = 16_384;

/** One request and its answer. */
export class Http2Stream {
  readonly id: number;
  readonly request: Http2Request;
  handler: StreamHandler | undefined;
  readonly #owner: StreamOwner;
  /** What the peer may still send, and what may be sent to it. Bytes. */
  receiveWindow: number;
  sendWindow: number;
  /** Bytes that were given back and that the peer has not been told of. */
  owed = 0;
  #unconsumed = 0;
  /** What is missing of the length that was declared. */
  #missing: number | undefined;
  /** The peer has said all, or we have. */
  peerEnded: boolean;
  #ended = false;
  #status: number | undefined;
  /** What of interim answers and of the answer's head waits to be sent, in order. */
  #heads: (readonly string[])[] | undefined;
  #pieces: Pieces | undefined;
  #ending = false;
  #trailers: readonly string[] = [];
  #mustDrain = false;
  #isOver = false;
  #code: number = ERROR.NO_ERROR;

  constructor(
    owner: StreamOwner,
    id: number,
    request: Http2Request,
    windows: { readonly receive: number; readonly send: number },
    peerEnded: boolean,
  ) {
    this.#owner = owner;
    this.id = id;
    this.request = request;
    this.receiveWindow = windows.receive;
    this.sendWindow = windows.send;
    this.#missing = request.contentLength;
    this.peerEnded = peerEnded;
  }

  /** Of the answer; undefined before it. */
  get status(): number | undefined {
    return this.#status;
  }

  /** The head of the answer has gone out. */
  get isBegun(): boolean {
    return this.#status !== undefined && this.#heads === undefined;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** It carries another protocol, whose directions end by themselves. */
  get isTunnel(): boolean {
    return this.request.protocol !== undefined && (this.#status ?? 0) < 300;
  }

  /** The answer was sent to its end, and nobody broke the stream off. */
  get isAnswered(): boolean {
    return this.#ended && this.#code === ERROR.NO_ERROR;
  }

  /** An answer before the answer (RFC 9110, section 15.2). One that cannot be sent is left out. */
  inform(status: number, fields: readonly string[]): void {
    if (this.#isOver || this.#status !== undefined) return;
    const head = sendableFields([':status', String(status), ...fields]);
    if (head !== undefined) this.#sendHead(head);
  }

  /**
   * Begins the answer.
   *
   * @returns false when the stream is over; one with a field that cannot be sent is, then
   */
  respond(status: number, fields: readonly string[], isWhole: boolean): boolean {
    if (this.#isOver || this.#status !== undefined) return false;
    const head = sendableFields([':status', String(status), ...fields]);
    if (head === undefined) {
      this.reset(ERROR.INTERNAL_ERROR);
      return false;
    }
    this.#status = status;
    this.#sendHead(head);
    if (isWhole) this.end();
    return true;
  }

  /** @returns false: no more until `onRoom` */
  write(piece: Buffer): boolean {
    if (this.#isOver || this.#ending || this.#ended) return true;
    if (piece.length > 0) {
      this.#pieces ??= new Pieces();
      this.#pieces.add(piece);
      this.#owner.sendSoon(this);
    }
    if (this.#queued < HIGH_WATER_BYTES) return true;
    this.#mustDrain = true;
    return false;
  }

  /** Ends the answer, perhaps with trailers. */
  end(trailers: readonly string[] = []): void {
    if (this.#isOver || this.#ending || this.#ended) return;
    this.#ending = true;
    this.#trailers = trailers;
    this.#owner.sendSoon(this);
  }

  /** Breaks it off. */
  reset(code: ErrorCode): void {
    if (this.#isOver) return;
    this.#owner.sendReset(this, code);
    this.close(code);
  }

  /** The reader has taken so many bytes of the body. */
  consumed(bytes: number): void {
    const counted = Math.min(bytes, this.#unconsumed);
    this.#unconsumed -= counted;
    if (counted > 0) this.#owner.giveBack(this, counted);
  }

  /** Whether the peer has sent as much as it said, now that it has ended. */
  get isWhole(): boolean {
    return this.#missing === undefined || this.#missing === 0;
  }

  /** @returns false when it is more than was declared */
  received(piece: Buffer): boolean {
    if (this.#missing !== undefined) {
      this.#missing -= piece.length;
      if (this.#missing < 0) return false;
    }
    this.#unconsumed += piece.length;
    if (this.handler === undefined) this.consumed(piece.length);
    else this.handler.onData(piece);
    return true;
  }

  /** The peer's side ends. */
  endPeer(trailers: readonly string[]): void {
    this.peerEnded = true;
    this.handler?.onEnd(trailers);
    if (this.#ended) this.close(ERROR.NO_ERROR);
  }

  /** Bytes of the answer's body that wait. */
  get #queued(): number {
    return this.#pieces?.bytes ?? 0;
  }

  /** Whether something waits to be sent. */
  get hasMore(): boolean {
    return this.#heads !== undefined || this.#queued > 0 || (this.#ending && !this.#ended);
  }

  /** Whether what comes next counts against windows. */
  get needsWindow(): boolean {
    return this.#heads === undefined && this.#queued > 0;
  }

  /** The heads that wait. */
  takeHeads(): readonly (readonly string[])[] {
    const heads = this.#heads ?? NO_HEADS;
    this.#heads = undefined;
    return heads;
  }

  /** The next piece of what waits. */
  next(most: number): Buffer {
    const piece = this.#pieces?.next(most) ?? EMPTY;
    this.sendWindow -= piece.length;
    return piece;
  }

  /** What ends the stream when all data has gone out: undefined when it does not end yet. */
  get ending(): readonly string[] | undefined {
    return this.#ending && this.#queued === 0 ? this.#trailers : undefined;
  }

  /** Everything that `takeHeads`, `next` and `ending` gave has been sent. */
  sent(isAll: boolean): void {
    if (isAll) {
      this.#sentAll();
      return;
    }
    if (!this.#mustDrain || this.#queued > LOW_WATER_BYTES) return;
    this.#mustDrain = false;
    this.handler?.onRoom();
  }

  /** @returns false when the window is larger than one may be */
  widen(bytes: number): boolean {
    this.sendWindow += bytes;
    if (this.sendWindow > LARGEST_WINDOW_BYTES) return false;
    if (this.hasMore) this.#owner.sendSoon(this);
    return true;
  }

  /** It is over, with the code of a reset if there was one. */
  close(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#code = code;
    this.#heads = undefined;
    this.#pieces = undefined;
    this.#owner.forget(this);
    this.consumed(this.#unconsumed);
    this.handler?.onClose();
  }

  #sendHead(head: readonly string[]): void {
    if (this.#heads === undefined) this.#heads = [head];
    else this.#heads.push(head);
    this.#owner.sendSoon(this);
  }

  #sentAll(): void {
    this.#ended = true;
    if (this.peerEnded) {
      this.close(ERROR.NO_ERROR);
      return;
    }
    // What the peer still uploads is not wanted (RFC 9113, section 8.1).
    if (!this.isTunnel) this.reset(ERROR.NO_ERROR);
  }
}

const EMPTY = Buffer.alloc(0);
const NO_HEADS: readonly (readonly string[])[] = [];
