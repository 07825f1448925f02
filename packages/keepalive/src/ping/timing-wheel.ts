/** An item of a wheel holds its own place, so that nothing is made when it moves. The wheel alone writes these. */
export type WheelItem<T> = {
  /** Undefined: it is not in the wheel. */
  bucket: Bucket<T> | undefined;
  previous: T | undefined;
  next: T | undefined;
};

/** Items that come due together, in the order in which they were put in. */
type Bucket<T> = { first: T | undefined; last: T | undefined };

/**
 * Buckets of one tick each. Putting in, taking out and turning cost the same for one item and for ten thousand,
 * and one timer turns them all.
 */
export class TimingWheel<T extends WheelItem<T>> {
  readonly #buckets: readonly Bucket<T>[];
  readonly #due: Bucket<T> = { first: undefined, last: undefined };
  readonly #tickMs: number;
  #turnedTo: number;

  /** @param now the time at which the wheel starts, in milliseconds */
  constructor(tickMs: number, buckets: number, now: number) {
    this.#tickMs = tickMs;
    this.#buckets = Array.from({ length: buckets }, () => ({ first: undefined, last: undefined }));
    this.#turnedTo = Math.floor(now / tickMs);
  }

  /**
   * Puts an item in, wherever it was: `turn` gives it back in the first tick that does not lie before `atMs`,
   * or after one turn of the wheel where that is sooner.
   */
  put(item: T, atMs: number): void {
    this.take(item);
    const wanted = Math.ceil(atMs / this.#tickMs);
    const tick = Math.min(Math.max(wanted, this.#turnedTo + 1), this.#turnedTo + this.#buckets.length - 1);
    add(this.#bucket(tick), item);
  }

  /** Takes an item out, if it is in. */
  take(item: T): void {
    const { bucket, previous, next } = item;
    if (bucket === undefined) return;
    if (previous === undefined) bucket.first = next;
    else previous.next = next;
    if (next === undefined) bucket.last = previous;
    else next.previous = previous;
    item.bucket = undefined;
    item.previous = undefined;
    item.next = undefined;
  }

  /**
   * Turns to `now`, takes out everything that came due and gives it to `onDue`, which may put in and take out whatever
   * it likes: what it takes out is not given any more.
   */
  turn(now: number, onDue: (item: T) => void): void {
    const target = Math.floor(now / this.#tickMs);
    const last = Math.min(target, this.#turnedTo + this.#buckets.length);
    // What is put back may belong into a bucket that is due, so those are emptied first.
    for (let tick = this.#turnedTo + 1; tick <= last; tick += 1) this.#empty(this.#bucket(tick));
    if (target > this.#turnedTo) this.#turnedTo = target;
    for (let item = this.#due.first; item !== undefined; item = this.#due.first) {
      this.take(item);
      onDue(item);
    }
  }

  #empty(bucket: Bucket<T>): void {
    for (let item = bucket.first; item !== undefined; item = bucket.first) {
      this.take(item);
      add(this.#due, item);
    }
  }

  #bucket(tick: number): Bucket<T> {
    const bucket = this.#buckets[tick % this.#buckets.length];
    if (bucket === undefined) throw new Error('a timing wheel without buckets');
    return bucket;
  }
}

function add<T extends WheelItem<T>>(bucket: Bucket<T>, item: T): void {
  item.bucket = bucket;
  item.previous = bucket.last;
  if (bucket.last === undefined) bucket.first = item;
  else bucket.last.next = item;
  bucket.last = item;
}
