import { createInterface } from 'node:readline';

/**
 * A server's end of the bench's talk with it: says where it listens, makes a change for each line that comes, and says
 * how many milliseconds went by until the last stream had acknowledged it; at first for what streams get when they open.
 */
export class ChangeLines {
  readonly #streams: number;
  #acknowledged = 0;
  #startedAt = performance.now();

  constructor(streams: number) {
    this.#streams = streams;
  }

  acknowledged(): void {
    this.#acknowledged += 1;
    if (this.#acknowledged < this.#streams) return;
    this.#acknowledged = 0;
    process.stdout.write(`${(performance.now() - this.#startedAt).toFixed(3)}\n`);
  }

  serve(port: number, change: (version: number) => void): void {
    process.stdout.write(`${port}\n`);
    let version = 0;
    createInterface({ input: process.stdin })
      .on('line', () => {
        this.#startedAt = performance.now();
        version += 1;
        change(version);
      })
      .on('close', () => process.exit(0));
  }
}
