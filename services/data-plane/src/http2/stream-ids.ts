import { LAST_STREAM_ID } from './protocol.ts';

/** So many streams are remembered for which frames may still be on their way. */
const MOST_PASSED_OVER = 1_024;

/** Which streams a client has opened, and what to make of a frame for one that is not open (RFC 9113, section 5.1). */
export class StreamIds {
  #last = 0;
  /** After the last GOAWAY no stream beyond it is served. */
  #final = LAST_STREAM_ID;
  /** The last ids that the client left out; no more than the precise error hangs on it. */
  #gap: readonly [from: number, to: number] = [0, 0];
  #passedOver: Set<number> | undefined;

  /** The last that was opened. */
  get last(): number {
    return this.#last;
  }

  get isFinal(): boolean {
    return this.#final !== LAST_STREAM_ID;
  }

  /** No stream is served beyond those that were opened. */
  finish(): void {
    this.#final = this.#last;
  }

  /** It can be opened: the client has opened none as high, and it is served. */
  isNew(id: number): boolean {
    return id > this.#last && id <= this.#final;
  }

  /** Nobody has opened it; id 0 is none. */
  isIdle(id: number): boolean {
    return id === 0 || this.isNew(id);
  }

  open(id: number): void {
    if (id > this.#last + 2) this.#gap = [this.#last + 1, id - 1];
    this.#last = id;
  }

  /** It is below the last, and was left out as far as is known. */
  wasLeftOut(id: number): boolean {
    return id >= this.#gap[0] && id <= this.#gap[1];
  }

  /** Frames for it mean nothing: it comes after the last GOAWAY, or was reset here (RFC 9113, section 5.4.2). */
  isPassedOver(id: number): boolean {
    return id > this.#final || this.#passedOver?.has(id) === true;
  }

  /** It was reset here, and the client may not know it yet. */
  passOver(id: number): void {
    this.#passedOver ??= new Set();
    this.#passedOver.add(id);
    if (this.#passedOver.size <= MOST_PASSED_OVER) return;
    for (const oldest of this.#passedOver) {
      this.#passedOver.delete(oldest);
      return;
    }
  }

  /** The client has ended or reset it too, so that nothing more is on its way. */
  forget(id: number): void {
    this.#passedOver?.delete(id);
  }
}
