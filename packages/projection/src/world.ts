import type { StoredEvent } from '@pulseplane/event-log';
import { type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';

/** All current objects by kind: the fold of the log. It changes by events only, in their order. */
export class World {
  readonly #kinds = new Map<string, Map<string, StoredObject>>();
  #revision = 0;

  /** Starts from the log's table of current objects. */
  static from(objects: Iterable<StoredObject>): World {
    const world = new World();
    for (const stored of objects) world.#kind(stored.ref.group, stored.ref.kind).set(refKey(stored.ref), stored);
    return world;
  }

  apply(event: StoredEvent): void {
    if (event.type === 'Compacted') return;
    const { uid: _, ...ref } = event.subject;
    const kind = this.#kind(ref.group, ref.kind);
    if (event.type === 'Deleted') kind.delete(refKey(ref));
    else kind.set(refKey(ref), { ref, version: event.seq, changedAt: event.time, object: event.object });
    this.#revision += 1;
  }

  /** Differs whenever the objects differ: what is derived from a world may be kept as long as this stays. */
  get revision(): number {
    return this.#revision;
  }

  get(ref: ObjectRef): StoredObject | undefined {
    return this.#kinds.get(`${ref.group}/${ref.kind}`)?.get(refKey(ref));
  }

  list(group: string, kind: string): Iterable<StoredObject> {
    return this.#kinds.get(`${group}/${kind}`)?.values() ?? [];
  }

  #kind(group: string, kind: string): Map<string, StoredObject> {
    const key = `${group}/${kind}`;
    const present = this.#kinds.get(key);
    if (present !== undefined) return present;
    const created = new Map<string, StoredObject>();
    this.#kinds.set(key, created);
    return created;
  }
}
