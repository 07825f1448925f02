/** What an entry costs besides its name and value (RFC 7541, section 4.1). */
export const ENTRY_OVERHEAD = 32;

/** The fields that a block may refer to besides the static ones (RFC 7541, section 2.3.2). The newest has index 0. */
export class DynamicTable {
  /** Names and values in turn, the oldest first; those before `#first` have been dropped. */
  #fields: string[] = [];
  #first = 0;
  #bytes = 0;
  #capacity: number;
  /** Changes whenever an index may mean something else. */
  generation = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return (this.#fields.length - this.#first) / 2;
  }

  get capacity(): number {
    return this.#capacity;
  }

  name(index: number): string | undefined {
    return this.#fields[this.#at(index)];
  }

  value(index: number): string | undefined {
    return this.#fields[this.#at(index) + 1];
  }

  add(name: string, value: string): void {
    this.generation += 1;
    const bytes = name.length + value.length + ENTRY_OVERHEAD;
    this.#fit(this.#capacity - bytes);
    // One that does not fit at all empties the table (RFC 7541, section 4.4).
    if (bytes > this.#capacity) return;
    this.#fields.push(name, value);
    this.#bytes += bytes;
  }

  resize(capacity: number): void {
    this.generation += 1;
    this.#capacity = capacity;
    this.#fit(capacity);
  }

  #fit(bytes: number): void {
    while (this.#bytes > bytes && this.#first < this.#fields.length) {
      const [name = '', value = ''] = [this.#fields[this.#first], this.#fields[this.#first + 1]];
      this.#bytes -= name.length + value.length + ENTRY_OVERHEAD;
      this.#fields[this.#first] = '';
      this.#fields[this.#first + 1] = '';
      this.#first += 2;
    }
    if (2 * this.#first <= this.#fields.length) return;
    this.#fields = this.#fields.slice(this.#first);
    this.#first = 0;
  }

  /** Beyond the table when there is no such entry. */
  #at(index: number): number {
    const at = this.#fields.length - 2 * (index + 1);
    return at < this.#first ? this.#fields.length : at;
  }
}
