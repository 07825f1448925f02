import { longTimeout } from './long-timeout.ts';

/**
 * A limit that is set and lifted for each of many requests. It keeps one timer through them, which looks when it fires
 * whether the time is over: a timer for each request would cost more than what it watches.
 */
export class Deadline {
  readonly #onPassed: () => void;
  /** As `performance.now()` counts; Infinity: none is set. */
  #at = Number.POSITIVE_INFINITY;
  #wakeAt = Number.POSITIVE_INFINITY;
  #cancelWake: (() => void) | undefined;

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  /** Calls back when it is that time, as `performance.now()` counts, in place of what was set before. */
  set(at: number): void {
    this.#at = at;
    if (at < this.#wakeAt) this.#wake();
  }

  lift(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Lifts it, and lets go of the timer. */
  close(): void {
    this.lift();
    this.#cancelWake?.();
    this.#wakeAt = Number.POSITIVE_INFINITY;
  }

  #wake(): void {
    this.#cancelWake?.();
    this.#wakeAt = this.#at;
    this.#cancelWake = longTimeout(this.#at - performance.now(), () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      if (this.#at === Number.POSITIVE_INFINITY) return;
      if (this.#at > performance.now()) return this.#wake();
      this.lift();
      this.#onPassed();
    });
  }
}
