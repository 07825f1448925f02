import { ConnectionError, ERROR, FRAME_HEAD_BYTES } from './protocol.ts';

/** One frame. The payload is a view of what was read, good until the call that gives it is over, and longer for who keeps it. */
export type FrameHandler = (type: number, flags: number, stream: number, payload: Buffer) => void;

/** Where in its head a frame says its type. */
const TYPE_AT = 3;

/** Cuts what a peer sends into frames, wherever the pieces in which it comes begin and end. */
export class FrameReader {
  readonly #maxPayload: number;
  readonly #onFrame: FrameHandler;
  readonly #isOver: () => boolean;
  /** The beginning of a frame that is not whole, copied: a piece costs far more than the byte that it may be. */
  #held = NOTHING;
  #heldBytes = 0;
  /** So many bytes are needed before it is worth looking again. */
  #needed = FRAME_HEAD_BYTES;

  /** @param isOver asked before each frame: the rest is then thrown away */
  constructor(maxPayload: number, onFrame: FrameHandler, isOver: () => boolean) {
    this.#maxPayload = maxPayload;
    this.#onFrame = onFrame;
    this.#isOver = isOver;
  }

  /** The type of the frame that is not whole, once it has come. */
  get heldType(): number | undefined {
    return this.#heldBytes > TYPE_AT ? this.#held[TYPE_AT] : undefined;
  }

  /** @throws {ConnectionError} of FRAME_SIZE_ERROR, and whatever `onFrame` throws */
  read(piece: Buffer): void {
    const bytes = this.#join(piece);
    if (bytes === undefined) return;
    let at = 0;
    this.#needed = FRAME_HEAD_BYTES;
    while (at + FRAME_HEAD_BYTES <= bytes.length) {
      if (this.#isOver()) return;
      const length = bytes.readUIntBE(at, 3);
      if (length > this.#maxPayload) throw new ConnectionError(ERROR.FRAME_SIZE_ERROR, 'a frame that is too large');
      const end = at + FRAME_HEAD_BYTES + length;
      if (end > bytes.length) {
        this.#needed = FRAME_HEAD_BYTES + length;
        break;
      }
      const type = bytes[at + TYPE_AT] ?? 0;
      const flags = bytes[at + 4] ?? 0;
      // The highest bit is reserved and means nothing (RFC 9113, section 4.1).
      const stream = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
      this.#onFrame(type, flags, stream, bytes.subarray(at + FRAME_HEAD_BYTES, end));
      at = end;
    }
    if (at === bytes.length) return;
    this.#hold(bytes.subarray(at));
  }

  /** All bytes that wait, when there are enough; they are put together only then. */
  #join(piece: Buffer): Buffer | undefined {
    if (this.#heldBytes === 0 && piece.length >= this.#needed) return piece;
    if (this.#heldBytes + piece.length < this.#needed) {
      this.#hold(piece);
      return undefined;
    }
    const bytes = Buffer.concat([this.#held.subarray(0, this.#heldBytes), piece]);
    this.#held = NOTHING;
    this.#heldBytes = 0;
    return bytes;
  }

  #hold(piece: Buffer): void {
    const bytes = this.#heldBytes + piece.length;
    if (bytes > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(2 * bytes, Math.max(bytes, this.#needed)));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    piece.copy(this.#held, this.#heldBytes);
    this.#heldBytes = bytes;
  }
}

const NOTHING = Buffer.alloc(0);
