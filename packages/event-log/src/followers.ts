import type { StoredEvent } from './event.ts';

type Listener = (events: readonly StoredEvent[]) => void;

/**
 * Those who follow the log. Each append is announced to all of them in order, once it is durable. One that throws hinders
 * no other.
 */
export class Followers {
  readonly #listeners = new Set<Listener>();

  add(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  announce(events: readonly StoredEvent[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(events);
      } catch (error) {
        // A fault of the program: it ends it, but only after the others and the writers have heard.
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }
}
