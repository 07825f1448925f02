/** To tell thousands takes long: after so much of it what was said goes out, and ACKs, PINGs and REST have their turn. */
const TURN_MS = 2;

/** Tells many that something has changed for the role that they share, in turns. */
export class Telling {
  readonly #told: (role: string) => void;
  /** Who has to be told still, by role: those that wait longest first. */
  readonly #untold = new Map<string, Set<() => void>>();
  #next: NodeJS.Immediate | undefined;

  /** @param told called when all of a role were told, with nobody left out */
  constructor(told: (role: string) => void) {
    this.#told = told;
  }

  /** Who is yet to be told is told once. */
  add(role: string, listeners: Iterable<() => void>): void {
    const untold = this.#untold.get(role) ?? new Set();
    for (const listener of listeners) untold.add(listener);
    if (untold.size > 0) this.#untold.set(role, untold);
  }

  /** Begins at once, after those who wait already. */
  begin(): void {
    if (this.#next === undefined) this.#turn();
  }

  /** Whether some are yet to be told. */
  isTelling(role: string): boolean {
    return this.#untold.has(role);
  }

  /** Wants to hear nothing more. */
  leave(role: string, listener: () => void): void {
    this.#untold.get(role)?.delete(listener);
  }

  #turn(): void {
    this.#next = undefined;
    const until = performance.now() + TURN_MS;
    for (const [role, untold] of this.#untold) {
      for (const listener of untold) {
        if (performance.now() >= until) {
          this.#next = setImmediate(() => this.#turn());
          return;
        }
        untold.delete(listener);
        listener();
      }
      this.#untold.delete(role);
      this.#told(role);
    }
  }
}
