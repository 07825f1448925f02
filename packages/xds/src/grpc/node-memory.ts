import { type Unsettled, unsettled } from '../protocol/subscription.ts';
import type { TypeState } from '../protocol/type-state.ts';
import type { NodeIdentity } from './message-conversion.ts';

const MAX_NODES = 10_000;

/**
 * What nodes left unsettled when their streams ended, by node and type. Bounded: the longest gone are forgotten. A node
 * is its id and its role: anyone may use an id, and must not hear the names of another gateway's resources by it.
 */
export class NodeMemory {
  readonly #nodes = new Map<string, ReadonlyMap<string, Unsettled>>();

  recall(node: NodeIdentity, typeUrl: string): Unsettled | undefined {
    return this.#nodes.get(keyOf(node))?.get(typeUrl);
  }

  /** Takes the types of a stream that has ended. */
  keep(node: NodeIdentity, types: readonly TypeState[]): void {
    const key = keyOf(node);
    const known = new Map(this.#nodes.get(key));
    for (const type of types) {
      const open = unsettled(type);
      if (open.size > 0) known.set(type.typeUrl, open);
      else known.delete(type.typeUrl);
    }
    this.#nodes.delete(key);
    if (known.size > 0) this.#nodes.set(key, known);
    const oldest = this.#nodes.keys().next();
    if (this.#nodes.size > MAX_NODES && oldest.done !== true) this.#nodes.delete(oldest.value);
  }
}

function keyOf({ id, role }: NodeIdentity): string {
  return JSON.stringify([id, role]);
}
