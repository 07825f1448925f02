import { isDeepStrictEqual } from 'node:util';
import type { PortFailure } from '@pulseplane/projection';
import type { WorkerReport } from '@pulseplane/tunnel';

type Failure = Omit<PortFailure, 'worker'>;

/** What a worker says of its ports beside its answers on one stream, and whether that is waited for. */
export class PortReports {
  readonly #withinMs: number;
  readonly #givenUp: () => void;
  /** Whether it says how its ports are, as far as is known. */
  #reports: boolean;
  #reportedNonce = '';
  /** The answered response whose ports are not reported yet. */
  #awaited: { readonly nonce: string; readonly timer: NodeJS.Timeout } | undefined;
  #failures: readonly Failure[] = [];

  /** @param givenUp told when a report did not come in time: none is waited for until the worker reports again */
  constructor(reports: boolean, withinMs: number, givenUp: () => void) {
    this.#reports = reports;
    this.#withinMs = withinMs;
    this.#givenUp = givenUp;
  }

  get waiting(): boolean {
    return this.#awaited !== undefined;
  }

  /** The ports that it could not open when it reported last. */
  get failures(): readonly Failure[] {
    return this.#failures;
  }

  /** A response goes out; its answer is waited for first. */
  sent(): void {
    if (this.#awaited === undefined) return;
    clearTimeout(this.#awaited.timer);
    this.#awaited = undefined;
  }

  answered(nonce: string): void {
    this.sent();
    if (!this.#reports || this.#reportedNonce === nonce) return;
    const timer = setTimeout(() => {
      this.#awaited = undefined;
      this.#reports = false;
      this.#givenUp();
    }, this.#withinMs).unref();
    this.#awaited = { nonce, timer };
  }

  /** Takes a report in; gives whether it says something new. */
  reported({ nonce, ports }: WorkerReport): boolean {
    const failures = [...ports].flatMap(([port, state]) =>
      state.kind === 'failed' ? [{ port, address: state.address, code: state.code }] : [],
    );
    const settles = this.#awaited?.nonce === nonce;
    const isNews = settles || !isDeepStrictEqual(failures, this.#failures);
    this.#reports = true;
    this.#reportedNonce = nonce;
    this.#failures = failures;
    if (settles) this.sent();
    return isNews;
  }

  close(): void {
    this.sent();
  }
}
