import { createHash } from 'node:crypto';
import type { Append, AppendResult } from '../event-log.ts';
import type { SqliteStore, StoreAppend } from '../sqlite/sqlite-store.ts';
import { StorageFault } from '../storage-fault.ts';
import { decodeMessage, type Message, requireCommand } from './message.ts';
import type { Position, PositionTable } from './position-table.ts';
import { admit, type RetryWindow } from './retry-window.ts';

/** A message as the stream delivered it. */
export type Delivered = { readonly seq: number; readonly data: Uint8Array };

/** What became of one command. */
export type Outcome =
  | { readonly kind: 'answered'; readonly result: AppendResult }
  | { readonly kind: 'refused'; readonly error: unknown };

/** A message that is durable in the own file, with the outcome of each of its commands. */
export type Folded = { readonly writer: string; readonly number: number; readonly outcomes: readonly Outcome[] };

type Planned = {
  readonly message: Message;
  /** The commands that are still to be folded: none of a message that came again. */
  readonly commands: readonly StoreAppend[];
  readonly window: RetryWindow | undefined;
  readonly after: Position;
};

/**
 * Puts the stream's messages, in its order, into the own file. Each decision depends on the stream alone, so every
 * replica comes to the same events with the same hashes.
 */
export class Fold {
  readonly #store: SqliteStore;
  readonly #table: PositionTable;
  readonly #folded: (folded: Folded) => void;
  #position: Position;

  /** `folded` hears of each message once, in order, after it is durable. */
  constructor(store: SqliteStore, table: PositionTable, position: Position, folded: (folded: Folded) => void) {
    this.#store = store;
    this.#table = table;
    this.#position = position;
    this.#folded = folded;
  }

  position(): Position {
    return this.#position;
  }

  /**
   * Folds messages that follow the position without a gap, in one transaction. Throws a StorageFault at the first that
   * cannot be folded; those before it are.
   */
  fold(batch: readonly Delivered[]): void {
    const { planned, fault } = this.#plan(batch);
    if (planned.length > 0) this.#write(planned);
    if (fault !== undefined) throw fault;
  }

  #plan(batch: readonly Delivered[]): { readonly planned: readonly Planned[]; readonly fault?: StorageFault } {
    const planned: Planned[] = [];
    const windows = new Map<string, RetryWindow>();
    let skip = this.#position.commands;
    for (const { seq, data } of batch) {
      const decoded = decodeMessage(data);
      if (decoded.kind === 'unreadable') {
        const fault = `message ${seq} of the stream ${this.#position.stream} cannot be read: ${decoded.reason}`;
        return { planned, fault: new StorageFault('unavailable', fault) };
      }
      const { message } = decoded;
      const window = admit(windows.get(message.writer) ?? this.#table.window(message.writer), message.number);
      if (window !== undefined) windows.set(message.writer, window);
      const digest = createHash('sha256').update(data).digest('hex');
      planned.push({
        message,
        commands: window === undefined ? [] : message.commands.slice(skip).map(asWritten(message)),
        window,
        after: { ...this.#position, seq, digest, commands: 0 },
      });
      skip = 0;
    }
    return { planned };
  }

  #write(planned: readonly Planned[]): void {
    let results: readonly AppendResult[];
    try {
      results = this.#commit(
        planned.flatMap(({ commands }) => commands),
        planned,
      );
    } catch (error) {
      if (error instanceof StorageFault) throw error;
      // One command that cannot be stored must not take its neighbours with it.
      if (planned.length > 1) for (const each of planned) this.#write([each]);
      else for (const each of planned) this.#writeOneByOne(each);
      return;
    }
    let next = 0;
    for (const { message, commands } of planned) {
      const outcomes = results.slice(next, next + commands.length).map(answered);
      next += commands.length;
      this.#tell(message, commands, outcomes);
    }
  }

  /** Each command in a transaction of its own, which counts it: after a crash none is folded twice. */
  #writeOneByOne(planned: Planned): void {
    const outcomes = planned.commands.map((command): Outcome => {
      const { commands } = this.#position;
      try {
        const [result] = this.#commit([command], { ...this.#position, commands: commands + 1 });
        if (result !== undefined) return answered(result);
      } catch (error) {
        if (error instanceof StorageFault) throw error;
        this.#commit([], { ...this.#position, commands: commands + 1 });
        return { kind: 'refused', error };
      }
      return { kind: 'refused', error: new Error('the command has no result') };
    });
    this.#commit([], [planned]);
    this.#tell(planned.message, planned.commands, outcomes);
  }

  #commit(batch: readonly StoreAppend[], to: readonly Planned[] | Position): readonly AppendResult[] {
    let after = this.#position;
    for (const command of batch) requireCommand(command);
    const results = this.#store.commit(batch, () => {
      if ('seq' in to) after = to;
      else {
        for (const { message, window, after: position } of to) {
          if (window !== undefined) this.#table.setWindow(message.writer, window);
          after = position;
        }
      }
      after = { ...after, head: this.#store.head().seq };
      this.#table.write(after);
    });
    this.#position = after;
    return results;
  }

  /** A command that an earlier run had folded before it ended is waited for by nobody now. */
  #tell({ writer, number, commands }: Message, folded: readonly StoreAppend[], outcomes: readonly Outcome[]): void {
    const earlier = commands.slice(0, commands.length - folded.length).map(
      (): Outcome => ({
        kind: 'refused',
        error: new StorageFault('unavailable', 'the command was decided before', undefined, 'unknown'),
      }),
    );
    this.#folded({ writer, number, outcomes: [...earlier, ...outcomes] });
  }
}

function asWritten({ schemaVersion }: Message): (command: Append) => StoreAppend {
  return (command) => ({ ...command, schemaVersion });
}

function answered(result: AppendResult): Outcome {
  return { kind: 'answered', result };
}
