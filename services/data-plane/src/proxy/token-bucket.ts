import type { TokenRate } from '../limits.ts';

export type TokenBucket = {
  /** False when none is left. */
  take(): boolean;
};

/** @param now milliseconds that never go backwards */
export function createTokenBucket({ burst, perSecond }: TokenRate, now = () => performance.now()): TokenBucket {
  let left = burst;
  let filledAt = now();
  return {
    take() {
      const at = now();
      left = Math.min(burst, left + ((at - filledAt) / 1_000) * perSecond);
      filledAt = at;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
