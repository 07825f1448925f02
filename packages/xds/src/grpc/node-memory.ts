import { type Unsettled, unsettled } from '../protocol/subscription.ts';
import type { TypeState } from '../protocol/type-state.ts';

const MAX_NODES = 10_000;

/** What nodes left unsettled when their streams ended, by node and type. Bounded: the longest gone are forgotten. */
export class NodeMemory {
  readonly #nodes = new Map<string, ReadonlyMap<string, Unsettled>>();

  recall(node: string, typeUrl: string): Unsettled | undefined {
    return this.#nodes.get(node)?.get(typeUrl);
  }

  /** Takes the types of a stream that has ended. */
  keep(node: string, types: readonly TypeState[]): void {
    const known = new Map(this.#nodes.get(node));
    for (const type of types) {
      const open = unsettled(type);
      if (open.size > 0) known.set(type.typeUrl, open);
      else known.delete(type.typeUrl);
    }
    this.#nodes.delete(node);
    if (known.size > 0) this.#nodes.set(node, known);
    const oldest = this.#nodes.keys().next();
    if (this.#nodes.size > MAX_NODES && oldest.done !== true) this.#nodes.delete(oldest.value);
  }
}
