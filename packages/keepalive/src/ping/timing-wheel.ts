/** Where an item stands in the wheel, so that it can be taken out. */
export type WheelSlot<T> = { readonly bucket: Set<T> };

/**
 * Buckets of one tick each. Putting in, taking out and turning cost the same for one item and for ten thousand,
 * and one timer turns them all.
 */
export class TimingWheel<T> {
  readonly #buckets: readonly Set<T>[];
  readonly #tickMs: number;
  #turnedTo: number;

  /** @param now the time at which the wheel starts, in milliseconds */
  constructor(tickMs: number, buckets: number, now: number) {
    this.#tickMs = tickMs;
    this.#buckets = Array.from({ length: buckets }, () => new Set<T>());
    this.#turnedTo = Math.floor(now / tickMs);
  }

  /** The longest wait that one turn holds, in milliseconds; a longer one is cut to this. */
  get horizonMs(): number {
    return (this.#buckets.length - 1) * this.#tickMs;
  }

  /** Puts an item in: `turn` gives it back in the first tick that does not lie before `atMs`. */
  put(item: T, atMs: number): WheelSlot<T> {
    const wanted = Math.ceil(atMs / this.#tickMs);
    const tick = Math.min(Math.max(wanted, this.#turnedTo + 1), this.#turnedTo + this.#buckets.length - 1);
    const bucket = this.#bucket(tick);
    bucket.add(item);
    return { bucket };
  }

  take(item: T, slot: WheelSlot<T>): void {
    slot.bucket.delete(item);
  }

  /** Turns to `now` and gives everything that came due. */
  turn(now: number): readonly T[] {
    const target = Math.floor(now / this.#tickMs);
    const due: T[] = [];
    const last = Math.min(target, this.#turnedTo + this.#buckets.length);
    for (let tick = this.#turnedTo + 1; tick <= last; tick += 1) {
      const bucket = this.#bucket(tick);
      for (const item of bucket) due.push(item);
      bucket.clear();
    }
    if (target > this.#turnedTo) this.#turnedTo = target;
    return due;
  }

  #bucket(tick: number): Set<T> {
    const bucket = this.#buckets[tick % this.#buckets.length];
    if (bucket === undefined) throw new Error('a timing wheel without buckets');
    return bucket;
  }
}
