import type { ServerResponse } from 'node:http';

/** What an endless answer writes to. */
export type Outgoing = {
  /** Aborted when the client is gone or too slow, when the time is over, and when the server stops. */
  readonly signal: AbortSignal;
  /** Writes, and resolves when the client has taken enough for more to be written, or the stream has ended. */
  write(text: string | Uint8Array): Promise<void>;
  /** Writes only if the client keeps up: for what can be left out, such as a heartbeat. */
  offer(text: string): void;
  /** Ends the stream, even while it waits for its client. */
  stop(): void;
};

/** A response that goes on until its client, its time or its server ends it. */
export class OpenStream implements Outgoing {
  readonly #raw: ServerResponse;
  readonly #stallMs: number;
  readonly #endMs: number;
  readonly #stop = new AbortController();
  readonly signal: AbortSignal = this.#stop.signal;
  #stalled = false;

  constructor(raw: ServerResponse, { stallMs, endMs }: { readonly stallMs: number; readonly endMs: number }) {
    this.#raw = raw;
    this.#stallMs = stallMs;
    this.#endMs = endMs;
    raw.on('close', () => this.stop());
    // A broken connection is the client's leaving, which `close` reports too.
    raw.on('error', () => this.stop());
    if (raw.destroyed) this.stop();
  }

  /** Whether the stream ended because its client did not read. */
  get stalled(): boolean {
    return this.#stalled;
  }

  stop(): void {
    this.#stop.abort();
  }

  async write(text: string | Uint8Array): Promise<void> {
    if (this.signal.aborted || this.#raw.write(text)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#stalled = true;
        this.stop();
      }, this.#stallMs);
      const done = (): void => {
        clearTimeout(timer);
        this.#raw.off('drain', done);
        this.signal.removeEventListener('abort', done);
        resolve();
      };
      this.#raw.on('drain', done);
      this.signal.addEventListener('abort', done);
    });
  }

  offer(text: string): void {
    if (!this.signal.aborted && !this.#raw.writableNeedDrain) this.#raw.write(text);
  }

  /** Ends the response with last words, and the connection too when the client does not take them in time. */
  async end(lastWords = ''): Promise<void> {
    const raw = this.#raw;
    this.stop();
    if (raw.destroyed || raw.closed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => raw.destroy(), this.#endMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      raw.once('close', done);
      raw.once('finish', done);
      raw.end(lastWords);
    });
  }
}
