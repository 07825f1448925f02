/** A smaller piece is put together with the one before it: each costs far more than the byte that it may be. */
const SMALL = 1_024;
const SMALLEST_SHEET = 256;
const LARGEST_SHEET = 16_384;
const NONE = -1;

/** What waits to be sent on a stream, in order. */
export class Pieces {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  /** Where small pieces are put together, and so much of it is taken. */
  #sheet = NOTHING;
  #end = 0;
  /** Where in the sheet the last piece begins, if it ends where the next may go on. */
  #start = NONE;

  get bytes(): number {
    return this.#bytes;
  }

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (piece.length < SMALL && this.#pieces.length > 0) {
      this.#gather(piece);
      return;
    }
    this.#start = NONE;
    this.#pieces.push(piece);
  }

  /** The next piece, or as much of it. */
  next(most: number): Buffer {
    const [first] = this.#pieces;
    if (first === undefined) return NOTHING;
    const piece = first.length <= most ? first : first.subarray(0, most);
    const isLast = this.#pieces.length === 1;
    if (piece === first) {
      this.#pieces.shift();
      if (isLast) this.#start = NONE;
    } else {
      this.#pieces[0] = first.subarray(most);
      if (isLast && this.#start !== NONE) this.#start += most;
    }
    this.#bytes -= piece.length;
    return piece;
  }

  #gather(piece: Buffer): void {
    if (this.#end + piece.length > this.#sheet.length) {
      const wanted = Math.min(Math.max(SMALLEST_SHEET, this.#bytes), LARGEST_SHEET);
      this.#sheet = Buffer.allocUnsafe(Math.max(wanted, piece.length));
      this.#end = 0;
      this.#start = NONE;
    }
    piece.copy(this.#sheet, this.#end);
    const isNew = this.#start === NONE;
    if (isNew) this.#start = this.#end;
    this.#end += piece.length;
    const joined = this.#sheet.subarray(this.#start, this.#end);
    if (isNew) this.#pieces.push(joined);
    else this.#pieces[this.#pieces.length - 1] = joined;
  }
}

const NOTHING = Buffer.alloc(0);
