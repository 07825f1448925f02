/** Names, as far as they are read. Any Set is one. */
export type Names = Pick<ReadonlySet<string>, 'size' | 'has' | typeof Symbol.iterator>;

/** Names that were put in, or with false taken out again. */
type Layer = ReadonlyMap<string, boolean>;

/**
 * A set that never changes, and of which a changed copy costs by what is changed: a delta client may subscribe to 50,000
 * names one by one. Each layer overrides those before it, and is smaller than half of the one before, so there are few.
 */
export class NameSet implements Names {
  readonly size: number;
  readonly #layers: readonly Layer[];

  private constructor(layers: readonly Layer[], size: number) {
    this.#layers = layers;
    this.size = size;
  }

  static of(names: Names): NameSet {
    if (names instanceof NameSet) return names;
    return new NameSet([new Map(Array.from(names, (name) => [name, true]))], names.size);
  }

  has(name: string): boolean {
    return this.#layers.findLast((layer) => layer.has(name))?.get(name) === true;
  }

  *[Symbol.iterator](): SetIterator<string> {
    for (const [depth, layer] of this.#layers.entries()) {
      const over = this.#layers.slice(depth + 1);
      for (const [name, isIn] of layer) if (isIn && !over.some((later) => later.has(name))) yield name;
    }
    return undefined;
  }

  /** With the names that are true in `changes`, and without those that are false. */
  with(changes: ReadonlyMap<string, boolean>): NameSet {
    let { size } = this;
    for (const [name, isIn] of changes) if (this.has(name) !== isIn) size += isIn ? 1 : -1;
    const layers = [...this.#layers];
    let top: Layer = changes;
    for (let below = layers.at(-1); below !== undefined && top.size * 2 >= below.size; below = layers.at(-1)) {
      top = new Map([...below, ...top]);
      layers.pop();
    }
    // Nothing is below from which it could be taken out.
    if (layers.length === 0) top = new Map([...top].filter(([, isIn]) => isIn));
    return new NameSet([...layers, top], size);
  }
}
