import { type ObjectRef, refKey } from '@pulseplane/resources';
import type { Selection } from './changes.ts';
import type { StatusChanges } from './status-changes.ts';

/** The objects of one watch whose status has changed and is not told yet. Each is held once. */
export class PendingStatuses {
  readonly #refs = new Map<string, ObjectRef>();
  readonly #stop: () => void;
  #closed = false;
  #wake = (): void => undefined;

  /** @param since those are pending already that changed at this version or later; absent: none is */
  constructor(changes: StatusChanges, { kind, namespace }: Selection, since: number | undefined) {
    const note = (ref: ObjectRef): void => {
      if (ref.group !== kind.group || ref.kind !== kind.kind || ref.namespace !== (namespace ?? ref.namespace)) return;
      this.#refs.set(refKey(ref), ref);
      this.#wake();
    };
    if (since !== undefined) changes.since(since).forEach(note);
    this.#stop = changes.onChange(note);
  }

  /** Waits for the next and takes it out; undefined when closed. For one reader. */
  async next(): Promise<ObjectRef | undefined> {
    while (this.#refs.size === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#closed) return undefined;
    for (const [key, ref] of this.#refs) {
      this.#refs.delete(key);
      return ref;
    }
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    this.#wake();
  }
}
