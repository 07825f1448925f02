import { type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import { EMPTY_CHAIN, seal } from '../chain.ts';
import type { StoredEvent } from '../event.ts';
import { type Append, type AppendResult, contentsConflict, type EventLog, type ObjectFilter } from '../event-log.ts';
import { Followers } from '../followers.ts';

/** A log that lives as long as its process: for trying things out and for tests of what stands on a log. */
export function createMemoryEventLog(): EventLog {
  return new MemoryEventLog();
}

class MemoryEventLog implements EventLog {
  readonly #events: StoredEvent[] = [];
  readonly #objects = new Map<string, StoredObject>();
  readonly #commands = new Map<string, readonly StoredEvent[]>();
  readonly #followers = new Followers();

  async append({ expected, contents, events, idempotencyKey }: Append): Promise<AppendResult> {
    const first = idempotencyKey === undefined ? undefined : this.#commands.get(idempotencyKey);
    if (first !== undefined) return { kind: 'repeated', events: first };
    for (const { ref, version } of expected) {
      const actual = this.object(ref)?.version ?? 0;
      if (actual !== version) return { kind: 'conflict', ref, expected: version, actual };
    }
    if (contents !== undefined) {
      const actual = this.objects({ namespace: contents.namespace }).length;
      if (actual !== contents.objects) return contentsConflict(contents, actual);
    }
    const sealed = seal(this.#events.at(-1) ?? EMPTY_CHAIN, structuredClone(events)).map(({ event }) => event);
    for (const event of sealed) {
      this.#events.push(event);
      fold(this.#objects, event);
    }
    if (idempotencyKey !== undefined && sealed.length > 0) this.#commands.set(idempotencyKey, sealed);
    this.#followers.announce(sealed);
    return { kind: 'appended', events: sealed };
  }

  object(ref: ObjectRef): StoredObject | undefined {
    return this.#objects.get(refKey(ref));
  }

  objects(filter: ObjectFilter): readonly StoredObject[] {
    return select(this.#objects, filter);
  }

  each(filter: ObjectFilter): Iterable<StoredObject> {
    return this.objects(filter);
  }

  objectAt(ref: ObjectRef, seq: number): StoredObject | undefined {
    return this.#foldTo(seq).get(refKey(ref));
  }

  objectsAt(filter: ObjectFilter, seq: number): readonly StoredObject[] {
    return select(this.#foldTo(seq), filter);
  }

  read({ from, limit }: { readonly from: number; readonly limit: number }): readonly StoredEvent[] {
    const start = Math.max(from, 1) - 1;
    return this.#events.slice(start, start + limit);
  }

  history(
    ref: ObjectRef,
    { before, limit }: { readonly before: number; readonly limit: number },
  ): readonly StoredEvent[] {
    return this.#events
      .filter((event) => event.seq < before && refKey(event.subject) === refKey(ref))
      .reverse()
      .slice(0, limit);
  }

  appended(idempotencyKey: string): readonly StoredEvent[] | undefined {
    return this.#commands.get(idempotencyKey);
  }

  seqAt(time: string): number {
    return this.#events.findLast((event) => event.time <= time)?.seq ?? 0;
  }

  follow(listener: (events: readonly StoredEvent[]) => void): () => void {
    return this.#followers.add(listener);
  }

  head(): number {
    return this.#events.length;
  }

  floor(): number {
    return 1;
  }

  async close(): Promise<void> {}

  #foldTo(seq: number): ReadonlyMap<string, StoredObject> {
    const objects = new Map<string, StoredObject>();
    for (const event of this.#events.slice(0, seq)) fold(objects, event);
    return objects;
  }
}

function fold(objects: Map<string, StoredObject>, event: StoredEvent): void {
  const { uid: _, ...ref } = event.subject;
  if (event.type === 'Deleted') objects.delete(refKey(ref));
  else if (event.type !== 'Compacted')
    objects.set(refKey(ref), { ref, version: event.seq, changedAt: event.time, object: event.object });
}

function select(objects: ReadonlyMap<string, StoredObject>, filter: ObjectFilter): readonly StoredObject[] {
  return [...objects.values()]
    .filter(
      ({ ref }) =>
        (filter.group ?? ref.group) === ref.group &&
        (filter.kind ?? ref.kind) === ref.kind &&
        (filter.namespace ?? ref.namespace) === ref.namespace &&
        (filter.after === undefined || compareNames(ref, filter.after) > 0),
    )
    .sort((a, b) => compareRefs(a.ref, b.ref));
}

function compareRefs(a: ObjectRef, b: ObjectRef): number {
  return compare(a.group, b.group) || compare(a.kind, b.kind) || compareNames(a, b);
}

type Names = Pick<ObjectRef, 'namespace' | 'name'>;

function compareNames(a: Names, b: Names): number {
  return compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
