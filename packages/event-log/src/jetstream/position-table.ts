import type { Statement } from 'better-sqlite3';
import type { Connection } from '../sqlite/driver.ts';
import { asStorageFault } from '../sqlite/fault.ts';
import { EMPTY_WINDOW, type RetryWindow } from './retry-window.ts';

/** Where a file stands in the stream that it follows. */
export type Position = {
  readonly stream: string;
  readonly created: string;
  /** The last message that is wholly folded, and the SHA-256 of its bytes. */
  readonly seq: number;
  readonly digest: string;
  /** The log's own head after it. */
  readonly head: number;
  /** How many commands of the message after it are folded already. */
  readonly commands: number;
};

/** The two tables of migration 0003. To be written inside of the transaction that folds. Reads throw a StorageFault. */
export class PositionTable {
  readonly #file: string;
  readonly #read: Statement<[], Position>;
  readonly #write: Statement<[Position]>;
  readonly #window: Statement<[string], RetryWindow>;
  readonly #setWindow: Statement<[string, number, number]>;

  constructor(db: Connection) {
    this.#file = db.name;
    this.#read = db.prepare('SELECT stream, created, seq, digest, head, commands FROM jetstream_position');
    this.#write = db.prepare(
      `REPLACE INTO jetstream_position (id, stream, created, seq, digest, head, commands)
       VALUES (1, @stream, @created, @seq, @digest, @head, @commands)`,
    );
    this.#window = db.prepare('SELECT newest, seen FROM jetstream_writers WHERE writer = ?');
    this.#setWindow = db.prepare('REPLACE INTO jetstream_writers (writer, newest, seen) VALUES (?, ?, ?)');
  }

  read(): Position | undefined {
    return this.#reading(() => this.#read.get());
  }

  write(position: Position): void {
    this.#write.run(position);
  }

  window(writer: string): RetryWindow {
    return this.#reading(() => this.#window.get(writer)) ?? EMPTY_WINDOW;
  }

  setWindow(writer: string, { newest, seen }: RetryWindow): void {
    this.#setWindow.run(writer, newest, seen);
  }

  #reading<Value>(read: () => Value): Value {
    try {
      return read();
    } catch (error) {
      throw asStorageFault(error, this.#file);
    }
  }
}

/** Where a file stands in the stream that it follows; undefined when it follows none. */
export function positionIn(db: Connection): Position | undefined {
  // A file from before there were streams, and nobody has opened since, has no such table.
  const table = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'jetstream_position'").get();
  return table === undefined ? undefined : new PositionTable(db).read();
}

/** Makes a file one that follows no stream. */
export function leaveStream(db: Connection): void {
  db.exec('DELETE FROM jetstream_position; DELETE FROM jetstream_writers');
}
