import type { ObjectRef, ResourceKind, StoredObject } from '@pulseplane/resources';
import type { Change } from '../watch/changes.ts';

/** An object of a view, before it has a version. */
export type ViewObject = Omit<StoredObject, 'version'>;

/** Objects that are shown and not stored, with versions of their own. */
export type View = {
  /** The version of the newest change. */
  version(): number;
  object(ref: ObjectRef): StoredObject | undefined;
  /** The objects of a kind, in one namespace or in all, by namespace and name. */
  objects(kind: ResourceKind, namespace?: string): readonly StoredObject[];
  /** What happened after a version; undefined when that is not known any more, or was never reached. */
  changesAfter(version: number): readonly Change[] | undefined;
  /** Calls back after changes. Returns the way to stop. */
  onChanges(listener: () => void): () => void;
};

/** How many changes are kept for watches that come back. */
const MAX_CHANGES = 1_024;

/** The newest changes of a view. Versions count on from the clock, so that those of an earlier process are old. */
export class RecentChanges {
  readonly #floor: number;
  #version: number;
  readonly #changes: Change[] = [];

  constructor(now: Date) {
    this.#version = now.getTime();
    this.#floor = this.#version;
  }

  version(): number {
    return this.#version;
  }

  /** Gives the object the next version. */
  add(type: Change['type'], object: ViewObject): StoredObject {
    this.#version += 1;
    const stored = { ...object, version: this.#version };
    this.#changes.push({ type, stored });
    if (this.#changes.length > MAX_CHANGES) this.#changes.shift();
    return stored;
  }

  /** The changes after a version; undefined when some of them are not kept, or it was never reached. */
  after(version: number): readonly Change[] | undefined {
    const [oldest] = this.#changes;
    const isWhole = oldest === undefined || oldest.stored.version === this.#floor + 1;
    const floor = isWhole ? this.#floor : oldest.stored.version - 1;
    if (version < floor || version > this.#version) return undefined;
    return this.#changes.filter(({ stored }) => stored.version > version);
  }
}
