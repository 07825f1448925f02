import { type Unsettled, unsettled } from '../protocol/subscription.ts';
import type { TypeState } from '../protocol/type-state.ts';
import type { NodeIdentity } from './message-conversion.ts';

const MAX_NODES = 10_000;

/** A stream that is open, as far as the next one of its node has to know of it. */
export type OpenStream = {
  readonly node: NodeIdentity;
  /** `address:port` of the client's end. */
  readonly peer: string;
  readonly types: () => ReadonlyMap<string, TypeState>;
};

/**
 * What nodes left unsettled when their streams ended, by node and type. Bounded: the longest gone are forgotten. A node
 * is its id and its role: anyone may use an id, and must not hear the names of another gateway's resources by it. The
 * stream of a client that comes again may hang still, so what is unsettled on open streams from the same address counts
 * too; not on those from others, which may be healthy replicas with the same id.
 */
export class NodeMemory {
  readonly #nodes = new Map<string, ReadonlyMap<string, Unsettled>>();
  readonly #open = new Map<string, Set<OpenStream>>();

  opened(stream: OpenStream): void {
    const key = keyOf(stream.node);
    this.#open.set(key, (this.#open.get(key) ?? new Set()).add(stream));
  }

  /** For a stream that asks for a type for the first time. */
  recall(stream: OpenStream, typeUrl: string): Unsettled | undefined {
    const key = keyOf(stream.node);
    const left = this.#nodes.get(key)?.get(typeUrl);
    const hanging = [...(this.#open.get(key) ?? [])]
      .filter((other) => other !== stream && addressOf(other.peer) === addressOf(stream.peer))
      .flatMap((other) => other.types().get(typeUrl) ?? [])
      .flatMap((type) => [...unsettled(type)]);
    return hanging.length === 0 ? left : new Map([...(left ?? []), ...hanging]);
  }

  /** The stream has ended. */
  closed(stream: OpenStream): void {
    const { node, types } = stream;
    const key = keyOf(node);
    const open = this.#open.get(key);
    open?.delete(stream);
    if (open?.size === 0) this.#open.delete(key);
    const known = new Map(this.#nodes.get(key));
    for (const [typeUrl, type] of types()) {
      const left = unsettled(type);
      if (left.size > 0) known.set(typeUrl, left);
      else known.delete(typeUrl);
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

/** A peer without its port. */
export function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}
