/** So many more items, and an eighth more than were sorted last, wait for a reader; sorting them takes a few milliseconds. */
const MAX_UNSORTED = 1_000;

/**
 * Items in a fixed order that does not depend on when they were added. Many additions in a row are sorted when somebody
 * reads or there are too many to sort at once; one addition between two reads is put in its place.
 */
export class OrderedSet<Item> {
  readonly #compare: (a: Item, b: Item) => number;
  readonly #items: Item[] = [];
  #isSorted = true;
  #sortedSize = 0;
  #addedSinceRead = false;

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
    if (last === undefined || this.#compare(last, item) < 0) this.#items.push(item);
    else if (this.#addedSinceRead) {
      this.#items.push(item);
      this.#isSorted = false;
      if (this.#items.length > this.#sortedSize * 1.125 + MAX_UNSORTED) this.#sort();
    } else this.#items.splice(this.#place(item), 0, item);
    this.#addedSinceRead = true;
  }

  delete(item: Item): void {
    this.#sort();
    const place = this.#place(item);
    const found = this.#items[place];
    if (found !== undefined && this.#compare(found, item) === 0) this.#items.splice(place, 1);
  }

  [Symbol.iterator](): Iterator<Item> {
    this.#sort();
    return this.#items.values();
  }

  /** Where the item is or would be; the items must be sorted. */
  #place(item: Item): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#items[middle] as Item, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sort(): void {
    if (!this.#isSorted) {
      this.#items.sort(this.#compare);
      this.#sortedSize = this.#items.length;
    }
    this.#isSorted = true;
    this.#addedSinceRead = false;
  }
}

/** The order of code units, the same everywhere. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
