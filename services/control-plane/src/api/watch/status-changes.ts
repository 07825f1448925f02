import { type ObjectRef, refKey } from '@pulseplane/resources';

/** How many objects are remembered; of the others a watch that begins again is not told. */
const MAX_REMEMBERED = 10_000;

type Changed = { readonly ref: ObjectRef; readonly head: number };

/**
 * The objects whose status has become another without an event of their own, because a worker said something or another
 * object changed: what watches tell beside the log.
 */
export class StatusChanges {
  /** The one that changed last is the last. */
  readonly #changes = new Map<string, Changed>();
  readonly #listeners = new Set<(ref: ObjectRef) => void>();

  /** @param head the log's last sequence number now */
  changed(ref: ObjectRef, head: number): void {
    const key = refKey(ref);
    this.#changes.delete(key);
    this.#changes.set(key, { ref, head });
    if (this.#changes.size > MAX_REMEMBERED) {
      for (const oldest of this.#changes.keys()) {
        this.#changes.delete(oldest);
        break;
      }
    }
    for (const listener of this.#listeners) listener(ref);
  }

  /** Those that changed when the log had come to a sequence number or further. */
  since(seq: number): readonly ObjectRef[] {
    return [...this.#changes.values()].flatMap(({ ref, head }) => (head >= seq ? [ref] : []));
  }

  /** Calls back at each change. Returns the way to stop. */
  onChange(listener: (ref: ObjectRef) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
