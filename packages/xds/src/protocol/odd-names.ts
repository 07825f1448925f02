import type { VersionedResource } from './resources.ts';

/** A name of which the client does not simply hold what `base` says. */
export type Odd = {
  /** What is certainly in force there; undefined when nothing is, or nobody knows. */
  readonly held: Held | undefined;
  /** The version that was rejected, {@link GONE} for a removal: never sent again unchanged (C12). */
  readonly rejected?: string;
  /** The NACK did not say which resources are bad: those with this nonce are sent again when one of them changes (C14). */
  readonly suspectOf?: string;
};

/** A client that reconnects says versions only. */
export type Held = { readonly version: string; readonly resource?: VersionedResource };

export const GONE = '';

/**
 * What an odd name comes to while what there is of it is what `base` says: `plain` when the client holds just that, so
 * that nothing is odd any more, `quiet` when there is nothing to say of it.
 */
export type Standing = 'plain' | 'quiet' | 'loose';

/**
 * What is odd about the names of a type on one stream. A client may refuse thousands of them and then ask for one after
 * the other, so it is changed in place, and it knows which to look at when something is to be sent.
 */
export class OddNames implements Iterable<[name: string, known: Odd]> {
  readonly #known = new Map<string, Odd>();
  /** By the nonce of what they are suspects of. */
  readonly #suspects = new Map<string, Set<string>>();
  readonly #loose = new Set<string>();
  /** Names taken from responses that were rejected as a whole: Envoy does not list them when it reconnects. */
  readonly unlisted = new Set<string>();

  get size(): number {
    return this.#known.size;
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  get(name: string): Odd | undefined {
    return this.#known.get(name);
  }

  names(): Iterable<string> {
    return this.#known.keys();
  }

  [Symbol.iterator](): Iterator<[name: string, known: Odd]> {
    return this.#known[Symbol.iterator]();
  }

  set(name: string, odd: Odd): void {
    this.delete(name);
    this.#known.set(name, odd);
    this.#loose.add(name);
    const { suspectOf } = odd;
    if (suspectOf === undefined) return;
    this.#suspects.set(suspectOf, (this.#suspects.get(suspectOf) ?? new Set()).add(name));
  }

  delete(name: string): void {
    const suspectOf = this.#known.get(name)?.suspectOf;
    if (suspectOf !== undefined) {
      const names = this.#suspects.get(suspectOf);
      names?.delete(name);
      if (names?.size === 0) this.#suspects.delete(suspectOf);
    }
    this.#known.delete(name);
    this.#loose.delete(name);
  }

  /** The suspects by nonce. */
  suspects(): Iterable<[suspectOf: string, names: ReadonlySet<string>]> {
    return this.#suspects;
  }

  /** Takes the blame from all that the NACK of a response was about. */
  clear(suspectOf: string): void {
    for (const name of [...(this.#suspects.get(suspectOf) ?? [])]) this.set(name, { held: this.get(name)?.held });
  }

  /** Suspects of one response become suspects of another. */
  merge(from: string, to: string): void {
    if (from === to) return;
    for (const name of [...(this.#suspects.get(from) ?? [])]) {
      const known = this.#known.get(name);
      if (known !== undefined) this.set(name, { ...known, suspectOf: to });
    }
  }

  /**
   * The names to look at whatever has changed. A quiet one is not among them until it is set or reopened: there is
   * something to say of it only if what there is differs from `base`. A plain one is forgotten.
   */
  loose(standingOf: (name: string, known: Odd) => Standing): Iterable<string> {
    for (const name of this.#loose) {
      const known = this.#known.get(name);
      const standing = known === undefined ? 'plain' : standingOf(name, known);
      if (standing === 'plain') this.delete(name);
      else if (standing === 'quiet') this.#loose.delete(name);
    }
    return this.#loose;
  }

  /** For `base` says something else of it than before. */
  reopen(name: string): void {
    if (this.#known.has(name)) this.#loose.add(name);
  }
}
