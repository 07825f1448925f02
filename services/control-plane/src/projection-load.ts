import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Projection } from '@pulseplane/projection';
import type { Logger } from '@pulseplane/telemetry';

/** For how long is read before others have their turn, in milliseconds. */
const TURN_MS = 10;

/**
 * The first reading of what every question to a projection needs. It takes about a second for 100,000 policies, and
 * nobody else waits for it but those who ask meanwhile.
 */
export class ProjectionLoad {
  readonly #projection: Projection;
  readonly #logger: Logger;
  #waiting: (() => void)[] | undefined = [];
  #isStopped = false;

  constructor(projection: Projection, logger: Logger) {
    this.#projection = projection;
    this.#logger = logger;
  }

  get isDone(): boolean {
    return this.#waiting === undefined;
  }

  /** Calls back when questions can be asked: at once when they can already. */
  whenDone(then: () => void): void {
    if (this.#waiting === undefined) then();
    else this.#waiting.push(then);
  }

  /** Reads turn by turn. What cannot be read now is read when somebody asks for it. */
  async run(): Promise<void> {
    if (this.#isStopped) return;
    try {
      let until = performance.now() + TURN_MS;
      for (const _ of this.#projection.load()) {
        if (performance.now() < until) continue;
        await nextTurn();
        if (this.#isStopped) return;
        until = performance.now() + TURN_MS;
      }
    } catch (err) {
      this.#logger.warn({ err }, 'the objects could not be read ahead: they are read when they are asked for');
    }
    this.#finish();
  }

  /** Reads no further: the log may be closed then. */
  stop(): void {
    this.#isStopped = true;
    this.#finish();
  }

  #finish(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const then of waiting) then();
  }
}
