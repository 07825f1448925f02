/** Items in a fixed order that does not depend on when they were added. Sorts when it is read, not at each addition. */
export class OrderedSet<Item> {
  readonly #compare: (a: Item, b: Item) => number;
  readonly #items: Item[] = [];
  #isSorted = true;

  /** No two different items may compare as equal. */
  constructor(compare: (a: Item, b: Item) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The item must not be in the set. */
  add(item: Item): void {
    const last = this.#items.at(-1);
    this.#isSorted &&= last === undefined || this.#compare(last, item) < 0;
    this.#items.push(item);
  }

  delete(item: Item): void {
    this.#sort();
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#items[middle] as Item, item) < 0) low = middle + 1;
      else high = middle;
    }
    const found = this.#items[low];
    if (found !== undefined && this.#compare(found, item) === 0) this.#items.splice(low, 1);
  }

  [Symbol.iterator](): Iterator<Item> {
    this.#sort();
    return this.#items.values();
  }

  #sort(): void {
    if (!this.#isSorted) this.#items.sort(this.#compare);
    this.#isSorted = true;
  }
}

/** The order of code units, the same everywhere. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
