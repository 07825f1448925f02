import type { IdleFrame } from '../http2/streams.ts';
import type { Limits } from '../limits.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

const COMPLAINTS: Readonly<Record<IdleFrame, string>> = {
  ping: 'too_many_pings',
  settings: 'too_many_settings',
  empty_data: 'too_many_empty_frames',
};

/** What one client of HTTP/2 may ask of the worker in vain. */
export class Http2Police {
  readonly #limits: Limits;
  #control: TokenBucket | undefined;
  #resets: TokenBucket | undefined;
  /** Frames that had been sent when the last came that costs the client nothing. */
  #said = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Each of these frames makes the worker work, and costs the client nothing. A PING that comes after something else was
   * sent is free: gRPC measures the path with one for each piece of data that it reads. SETTINGS are never: they concern
   * all streams.
   *
   * @param said frames that were sent to the client so far
   * @returns the complaint about one too many
   */
  idleFrame(frame: IdleFrame, said: number): string | undefined {
    const isFree = frame !== 'settings' && said > this.#said;
    this.#said = said;
    if (isFree) return undefined;
    this.#control ??= createTokenBucket(this.#limits.http2ControlFrames);
    return this.#control.take() ? undefined : COMPLAINTS[frame];
  }

  /** A request was reset before its answer began. @returns the complaint about one too many */
  wasted(): string | undefined {
    this.#resets ??= createTokenBucket(this.#limits.http2Resets);
    return this.#resets.take() ? undefined : 'too_many_resets';
  }
}
