/** A log line and when it was written. */
export type RecentLine = { readonly seq: number; readonly time: Date; readonly text: string };

/** How much of the log is kept: the newest lines, within both bounds. */
const MAX_LINES = 2_000;
const MAX_CHARACTERS = 1_000_000;

/** The newest lines of a log, for those who cannot read where it is written. */
export class RecentLines {
  #lines: RecentLine[] = [];
  #characters = 0;
  #next = 1;
  readonly #listeners = new Set<() => void>();

  /** Takes a line in, with or without its line feed. */
  write(line: string): void {
    const text = line.trimEnd().slice(0, MAX_CHARACTERS);
    this.#lines.push({ seq: this.#next, time: new Date(), text });
    this.#next += 1;
    this.#characters += text.length;
    let drop = Math.max(0, this.#lines.length - MAX_LINES);
    for (const { text: old } of this.#lines.slice(0, drop)) this.#characters -= old.length;
    for (; this.#characters > MAX_CHARACTERS; drop += 1) this.#characters -= this.#lines[drop]?.text.length ?? 0;
    if (drop > 0) this.#lines = this.#lines.slice(drop);
    for (const listener of this.#listeners) listener();
  }

  /** The lines after a number that are still there, oldest first. */
  after(seq: number): readonly RecentLine[] {
    const [first] = this.#lines;
    return first === undefined ? [] : this.#lines.slice(Math.max(0, seq + 1 - first.seq));
  }

  /** Calls back when there is a new line. Returns the way to stop. */
  onLine(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
