import { type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import { EMPTY_CHAIN, seal } from '../chain.ts';
import type { StoredEvent } from '../event.ts';
import type { Append, AppendResult, EventLog, ObjectFilter } from '../event-log.ts';
import { Followers } from '../followers.ts';

/** A log that lives as long as its process: for trying things out and for tests of what stands on a log. */
export function createMemoryEventLog(): EventLog {
  return new MemoryEventLog();
}

class MemoryEventLog implements EventLog {
  readonly #events: StoredEvent[] = [];
  readonly #objects = new Map<string, StoredObject>();
  readonly #followers = new Followers();

  async append({ expected, events }: Append): Promise<AppendResult> {
    for (const { ref, version } of expected) {
      const actual = this.object(ref)?.version ?? 0;
      if (actual !== version) return { kind: 'conflict', ref, expected: version, actual };
    }
    const sealed = seal(this.#events.at(-1) ?? EMPTY_CHAIN, structuredClone(events));
    for (const event of sealed) {
      this.#events.push(event);
      const { uid: _, ...ref } = event.subject;
      if (event.type === 'Deleted') this.#objects.delete(refKey(ref));
      else this.#objects.set(refKey(ref), { ref, version: event.seq, changedAt: event.time, object: event.object });
    }
    this.#followers.announce(sealed);
    return { kind: 'appended', events: sealed };
  }

  object(ref: ObjectRef): StoredObject | undefined {
    return this.#objects.get(refKey(ref));
  }

  objects(filter: ObjectFilter): readonly StoredObject[] {
    return [...this.#objects.values()]
      .filter(
        ({ ref }) =>
          (filter.group ?? ref.group) === ref.group &&
          (filter.kind ?? ref.kind) === ref.kind &&
          (filter.namespace ?? ref.namespace) === ref.namespace,
      )
      .sort((a, b) => compareRefs(a.ref, b.ref));
  }

  read({ from, limit }: { readonly from: number; readonly limit: number }): readonly StoredEvent[] {
    const start = Math.max(from, 1) - 1;
    return this.#events.slice(start, start + limit);
  }

  follow(listener: (events: readonly StoredEvent[]) => void): () => void {
    return this.#followers.add(listener);
  }

  head(): number {
    return this.#events.length;
  }

  close(): void {}
}

function compareRefs(a: ObjectRef, b: ObjectRef): number {
  return (
    compare(a.group, b.group) || compare(a.kind, b.kind) || compare(a.namespace, b.namespace) || compare(a.name, b.name)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
