import { HpackEncoder } from './hpack/encoder.ts';
import { Output } from './output.ts';
import { DEFAULT_WINDOW_BYTES, ERROR, type ErrorCode, FLAG, FRAME, LARGEST_WINDOW_BYTES, SETTING } from './protocol.ts';
import { sendableFields } from './request.ts';
import { DEFAULT_PEER_SETTINGS, type PeerSettings } from './settings.ts';
import type { Http2Stream, StreamOwner } from './stream.ts';

/** What a server says of itself. Bytes. */
export type SessionSettings = {
  /** Of each stream. */
  readonly windowBytes: number;
  /** Of all streams together; what every connection begins with cannot be taken back. */
  readonly connectionWindowBytes: number;
  readonly maxFrameBytes: number;
  /** As RFC 9113, section 6.5.2 counts a header list. */
  readonly maxHeaderBytes: number;
  readonly maxStreams: number;
};

/** What one call of `take` writes of answers, but for the last frame of it. */
const TURN_BYTES = 262_144;
/** Of a DATA frame; a smaller one lets others pass sooner. */
const LARGEST_DATA = 16_384;
/** Windows are given back when so much of one is owed. */
const OWED_SHARE = 0.5;

/** The half of a session that writes. */
export class Sending implements StreamOwner {
  readonly #settings: SessionSettings;
  readonly #now: () => number;
  readonly #onOutput: () => void;
  readonly #onForget: (stream: Http2Stream) => void;
  readonly #encoder = new HpackEncoder();
  readonly #output = new Output();
  /** Those that have something to send, in the order of their turns. */
  readonly #ready = new Set<Http2Stream>();
  /** Those of which nothing can be sent for want of a window, and since when. */
  #blocked: Map<Http2Stream, number> | undefined;
  #peer = DEFAULT_PEER_SETTINGS;
  /** What may be sent on all streams together. */
  #window = DEFAULT_WINDOW_BYTES;
  /** What the peer may still send on all streams together. */
  receiveWindow: number;
  /** The peer knows our settings. */
  isAcknowledged = false;
  #owed = 0;
  #isAwake = false;
  /** Frames that are no answers to PING and SETTINGS. */
  said = 0;

  /**
   * @param now milliseconds that never go backwards
   * @param onOutput called once, until all is taken
   * @param onForget a stream is over
   */
  constructor(
    settings: SessionSettings,
    now: () => number,
    onOutput: () => void,
    onForget: (stream: Http2Stream) => void,
  ) {
    this.#settings = settings;
    this.#now = now;
    this.#onOutput = onOutput;
    this.#onForget = onForget;
    this.#output.settings([
      [SETTING.MAX_CONCURRENT_STREAMS, settings.maxStreams],
      [SETTING.INITIAL_WINDOW_SIZE, settings.windowBytes],
      [SETTING.MAX_FRAME_SIZE, settings.maxFrameBytes],
      [SETTING.MAX_HEADER_LIST_SIZE, settings.maxHeaderBytes],
      [SETTING.ENABLE_CONNECT_PROTOCOL, 1],
    ]);
    this.receiveWindow = Math.max(DEFAULT_WINDOW_BYTES, settings.connectionWindowBytes);
    const more = this.receiveWindow - DEFAULT_WINDOW_BYTES;
    if (more > 0) this.#output.windowUpdate(0, more);
    this.#wake();
  }

  get peer(): PeerSettings {
    return this.#peer;
  }

  /** What the peer may send on a new stream. Before it knows ours it may think that it is what every one begins with. */
  get streamReceiveWindow(): number {
    const { windowBytes } = this.#settings;
    return this.isAcknowledged ? windowBytes : Math.max(windowBytes, DEFAULT_WINDOW_BYTES);
  }

  /** Whether `take` would give more, though nothing has happened since. */
  get hasMore(): boolean {
    return this.#output.bytes > 0 || this.#ready.size > 0;
  }

  /** Whether answers wait because the peer gives them no window. */
  get isBlocked(): boolean {
    return this.#blocked !== undefined && this.#blocked.size > 0;
  }

  /**
   * Calls answers off of which nothing could be sent for so long, for want of a window.
   *
   * @returns how many
   */
  resetStalled(limitMs: number): number {
    let count = 0;
    for (const [stream, since] of this.#blocked ?? []) {
      if (stream.isTunnel || this.#now() - since < limitMs) continue;
      stream.reset(ERROR.CANCEL);
      count += 1;
    }
    return count;
  }

  /** @param isCongested what was taken before is not written yet: no answers are added to it */
  take(isCongested: boolean): readonly Buffer[] {
    if (!isCongested) this.#sendAnswers();
    this.#isAwake = false;
    return this.#output.take();
  }

  sendSoon(stream: Http2Stream): void {
    this.#ready.add(stream);
    // With window it waits for its turn, which its client's socket may hold back.
    if (this.#window > 0 && stream.sendWindow > 0) this.#blocked?.delete(stream);
    this.#wake();
  }

  sendReset({ id }: Http2Stream, code: ErrorCode): void {
    this.reset(id, code);
  }

  giveBack(stream: Http2Stream, bytes: number): void {
    this.giveBackConnection(bytes);
    if (stream.isOver || stream.peerEnded) return;
    stream.owed += bytes;
    if (stream.owed < this.#settings.windowBytes * OWED_SHARE) return;
    this.#say();
    this.#output.windowUpdate(stream.id, stream.owed);
    stream.receiveWindow += stream.owed;
    stream.owed = 0;
  }

  /** The peer may send so much more on all streams together. */
  giveBackConnection(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed < this.#settings.connectionWindowBytes * OWED_SHARE) return;
    this.#say();
    this.#output.windowUpdate(0, this.#owed);
    this.receiveWindow += this.#owed;
    this.#owed = 0;
  }

  forget(stream: Http2Stream): void {
    this.#ready.delete(stream);
    this.#blocked?.delete(stream);
    this.#onForget(stream);
  }

  reset(id: number, code: ErrorCode): void {
    this.#say();
    this.#output.reset(id, code);
  }

  goaway(lastStream: number, code: ErrorCode, complaint = ''): void {
    this.#say();
    this.#output.goaway(lastStream, code, complaint);
  }

  ping(number: number): void {
    this.#say();
    this.#output.ping(number);
  }

  answerPing(payload: Buffer): void {
    this.#output.frame(FRAME.PING, FLAG.ACK, 0, payload);
    this.#wake();
  }

  /** New settings of the peer hold from now on, for what is sent. */
  settle(peer: PeerSettings): void {
    this.#peer = peer;
    if (peer.headerTableBytes !== undefined) this.#encoder.setTableBytes(peer.headerTableBytes);
    this.#output.frame(FRAME.SETTINGS, FLAG.ACK, 0, NOTHING);
    this.#wake();
  }

  /** @returns false when the window is larger than one may be */
  widen(bytes: number): boolean {
    this.#window += bytes;
    for (const stream of this.#blocked?.keys() ?? []) {
      if (this.#window <= 0) break;
      if (stream.sendWindow > 0) this.sendSoon(stream);
    }
    return this.#window <= LARGEST_WINDOW_BYTES;
  }

  /** In turns of one frame of DATA each, with the heads before it, as far as windows go. */
  #sendAnswers(): void {
    let left = TURN_BYTES;
    for (const stream of this.#ready) {
      if (left <= 0) return;
      this.#ready.delete(stream);
      left -= this.#sendHeads(stream);
      if (stream.isOver || !stream.hasMore) continue;
      if (stream.needsWindow && Math.min(this.#window, stream.sendWindow) <= 0) {
        this.#block(stream);
        continue;
      }
      left -= this.#sendPiece(stream);
      if (!stream.isOver && stream.hasMore) this.#ready.add(stream);
    }
  }

  #block(stream: Http2Stream): void {
    this.#blocked ??= new Map();
    if (!this.#blocked.has(stream)) this.#blocked.set(stream, this.#now());
  }

  #sendHeads(stream: Http2Stream): number {
    const heads = stream.takeHeads();
    let bytes = 0;
    for (const [index, head] of heads.entries()) {
      const isWhole = index === heads.length - 1 && stream.ending?.length === 0;
      bytes += this.#headers(stream, head, isWhole);
      if (isWhole) stream.sent(true);
    }
    return bytes;
  }

  #sendPiece(stream: Http2Stream): number {
    const most = Math.min(this.#window, stream.sendWindow, this.#peer.maxFrameBytes, LARGEST_DATA);
    const piece = stream.next(most);
    this.#blocked?.delete(stream);
    const trailers = stream.ending;
    const endStream = trailers?.length === 0;
    this.#window -= piece.length;
    if (piece.length > 0 || endStream) {
      this.said += 1;
      this.#output.frame(FRAME.DATA, endStream ? FLAG.END_STREAM : 0, stream.id, piece);
    }
    if (trailers === undefined || endStream) {
      stream.sent(endStream);
    } else {
      const fields = sendableFields(trailers);
      if (fields === undefined) {
        stream.reset(ERROR.INTERNAL_ERROR);
      } else {
        this.#headers(stream, fields, true);
        stream.sent(true);
      }
    }
    return piece.length;
  }

  #headers(stream: Http2Stream, fields: readonly string[], endStream: boolean): number {
    const block = this.#encoder.encode(fields);
    this.said += 1;
    this.#output.headers(stream.id, block, endStream, this.#peer.maxFrameBytes);
    return block.length;
  }

  #say(): void {
    this.said += 1;
    this.#wake();
  }

  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#onOutput();
  }
}

const NOTHING = Buffer.alloc(0);
