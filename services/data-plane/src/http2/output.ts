import { type ErrorCode, FLAG, FRAME, FRAME_HEAD_BYTES } from './protocol.ts';
import { PING_BYTES } from './sent-pings.ts';

/** Most sessions write a few small frames at a time. */
const SMALLEST_SHEET = 512;
const LARGEST_SHEET = 16_384;
/** A larger payload is passed on as it is, a smaller one copied behind its head. */
const LARGEST_COPY = 4_096;

/** The frames of one turn of the event loop, which leave in one write. */
export class Output {
  /** Undefined while there are none: an array that grew old while nothing came would keep its next pieces from being collected. */
  #chunks: Buffer[] | undefined;
  #sheet: Buffer | undefined;
  #at = 0;
  #bytes = 0;

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Everything, in order; nothing waits any more. */
  take(): readonly Buffer[] {
    this.#close();
    const chunks = this.#chunks ?? [];
    this.#chunks = undefined;
    this.#bytes = 0;
    return chunks;
  }

  frame(type: number, flags: number, stream: number, payload: Buffer): void {
    const isCopied = payload.length <= LARGEST_COPY;
    const at = this.#reserve(FRAME_HEAD_BYTES + (isCopied ? payload.length : 0));
    const sheet = this.#head(at, payload.length, type, flags, stream);
    if (isCopied) {
      payload.copy(sheet, at + FRAME_HEAD_BYTES);
      return;
    }
    this.#close();
    this.#add(payload);
    this.#bytes += payload.length;
  }

  /** A header block, cut where the peer takes no more in one frame (RFC 9113, section 4.3). */
  headers(stream: number, block: Buffer, endStream: boolean, maxPayload: number): void {
    const flags = endStream ? FLAG.END_STREAM : 0;
    if (block.length <= maxPayload) {
      this.frame(FRAME.HEADERS, flags | FLAG.END_HEADERS, stream, block);
      return;
    }
    this.frame(FRAME.HEADERS, flags, stream, block.subarray(0, maxPayload));
    for (let at = maxPayload; at < block.length; at += maxPayload) {
      const isLast = at + maxPayload >= block.length;
      this.frame(FRAME.CONTINUATION, isLast ? FLAG.END_HEADERS : 0, stream, block.subarray(at, at + maxPayload));
    }
  }

  settings(values: readonly (readonly [id: number, value: number])[]): void {
    const payload = Buffer.allocUnsafe(6 * values.length);
    for (const [index, [id, value]] of values.entries()) {
      payload.writeUInt16BE(id, 6 * index);
      payload.writeUInt32BE(value, 6 * index + 2);
    }
    this.frame(FRAME.SETTINGS, 0, 0, payload);
  }

  reset(stream: number, code: ErrorCode): void {
    this.#word(FRAME.RST_STREAM, stream, code);
  }

  windowUpdate(stream: number, bytes: number): void {
    this.#word(FRAME.WINDOW_UPDATE, stream, bytes);
  }

  /** A PING of our own, after which mostly nothing comes. */
  ping(number: number): void {
    const at = this.#reserve(FRAME_HEAD_BYTES + PING_BYTES, 0);
    const sheet = this.#head(at, PING_BYTES, FRAME.PING, 0, 0);
    sheet.writeUInt32BE(0, at + FRAME_HEAD_BYTES);
    sheet.writeUInt32BE(number, at + FRAME_HEAD_BYTES + 4);
  }

  goaway(lastStream: number, code: ErrorCode, complaint: string): void {
    const payload = Buffer.alloc(8 + complaint.length);
    payload.writeUInt32BE(lastStream, 0);
    payload.writeUInt32BE(code, 4);
    payload.write(complaint, 8, 'latin1');
    this.frame(FRAME.GOAWAY, 0, 0, payload);
  }

  /** A frame whose payload is one number. */
  #word(type: number, stream: number, value: number): void {
    const at = this.#reserve(FRAME_HEAD_BYTES + 4);
    this.#head(at, 4, type, 0, stream).writeUInt32BE(value, at + FRAME_HEAD_BYTES);
  }

  #head(at: number, length: number, type: number, flags: number, stream: number): Buffer {
    const sheet = this.#sheet ?? Buffer.alloc(0);
    sheet[at] = length >>> 16;
    sheet[at + 1] = (length >>> 8) & 0xff;
    sheet[at + 2] = length & 0xff;
    sheet[at + 3] = type;
    sheet[at + 4] = flags;
    sheet.writeUInt32BE(stream, at + 5);
    return sheet;
  }

  /**
   * @param smallest of the sheet, if a new one is needed
   * @returns where in the sheet there is room for so many bytes
   */
  #reserve(bytes: number, smallest = SMALLEST_SHEET): number {
    if (this.#sheet === undefined || this.#at + bytes > this.#sheet.length) {
      this.#close();
      // A turn that writes much gets larger sheets.
      const wanted = Math.min(Math.max(smallest, 2 * this.#bytes), LARGEST_SHEET);
      this.#sheet = Buffer.allocUnsafe(Math.max(bytes, wanted));
    }
    const at = this.#at;
    this.#at += bytes;
    this.#bytes += bytes;
    return at;
  }

  #close(): void {
    if (this.#sheet !== undefined && this.#at > 0) this.#add(this.#sheet.subarray(0, this.#at));
    this.#sheet = undefined;
    this.#at = 0;
  }

  #add(chunk: Buffer): void {
    if (this.#chunks === undefined) this.#chunks = [chunk];
    else this.#chunks.push(chunk);
  }
}
