import type { Append, AppendResult } from '../event-log.ts';
import { StorageFault } from '../storage-fault.ts';

type Waiting = {
  readonly append: Append;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
};

export type GroupCommitOptions = {
  /** Writes a batch in one transaction, durable when it returns. */
  readonly commit: (batch: readonly Append[]) => readonly AppendResult[];
  readonly committed: (results: readonly AppendResult[]) => void;
  /** How many commands may wait; one more is refused. */
  readonly capacity: number;
};

/** All commands that wait in one turn share one transaction, and so one fsync; each caller is answered after it. */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #waiting: Waiting[] = [];
  #scheduled: NodeJS.Immediate | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  append(append: Append): Promise<AppendResult> {
    if (this.#waiting.length >= this.#options.capacity) {
      return Promise.reject(new StorageFault('unavailable', `${this.#options.capacity} commands wait already`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append, resolve, reject });
      this.#scheduled ??= setImmediate(() => this.flush());
    });
  }

  /** Writes what waits now. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length > 0) this.#write(batch);
  }

  #write(batch: readonly Waiting[]): void {
    let results: readonly AppendResult[];
    try {
      results = this.#options.commit(batch.map(({ append }) => append));
    } catch (error) {
      // One command that cannot be stored must not take its neighbours with it; a fault of the storage does.
      if (batch.length > 1 && !(error instanceof StorageFault)) for (const waiting of batch) this.#write([waiting]);
      else for (const { reject } of batch) reject(error);
      return;
    }
    // Answered first: whatever those do who hear of it, the commands are durable.
    for (const [index, { resolve }] of batch.entries()) {
      const result = results[index];
      if (result !== undefined) resolve(result);
    }
    this.#options.committed(results);
  }
}
