import { createWriteStream, existsSync, renameSync, statSync, type WriteStream } from 'node:fs';

const LARGEST_BYTES = 10 * 1024 * 1024;
const BUFFER_BYTES = 1024 * 1024;

/**
 * Where a program's log lines go: a file of at most 10 MiB, and the one before it as `.1`. A log that cannot be written
 * must not stop what it is about: lines are lost, and that is said once.
 */
export class ProgramLog {
  readonly #file: string;
  readonly #say: (line: string) => void;
  #stream: WriteStream;
  #size = 0;
  #lost = false;

  constructor(file: string, say: (line: string) => void) {
    this.#file = file;
    this.#say = say;
    if (existsSync(file) && statSync(file).size > 0) renameSync(file, `${file}.1`);
    this.#stream = this.#open();
  }

  write(text: string): void {
    if (this.#size > LARGEST_BYTES) this.#rotate();
    // A disk slower than the log: what does not fit into the stream's buffer is dropped, not held.
    if (this.#stream.writableNeedDrain || this.#stream.destroyed) return;
    this.#size += Buffer.byteLength(text);
    this.#stream.write(text);
  }

  #rotate(): void {
    this.#stream.end();
    try {
      renameSync(this.#file, `${this.#file}.1`);
    } catch (error) {
      this.#lose(error);
    }
    this.#size = 0;
    this.#stream = this.#open();
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#file, { flags: 'a', mode: 0o600, highWaterMark: BUFFER_BYTES });
    stream.on('error', (error) => this.#lose(error));
    return stream;
  }

  #lose(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#say(`${this.#file} cannot be written, its lines are lost: ${error instanceof Error ? error.message : error}`);
  }
}
