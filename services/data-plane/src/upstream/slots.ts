import { longTimeout } from '../connection/long-timeout.ts';

/** A bounded number of places, and a bounded line of those who wait for one. */
export type Slots = {
  /**
   * Calls back once, perhaps at once: with the place's release, or when there is none to be had.
   *
   * @returns leaves the line; without effect when it has been called back already
   */
  take(granted: (release: () => void) => void, refused: () => void): () => void;
  /** Calls back once when nobody has a place or waits for one. */
  whenFree(callback: () => void): void;
};

export type SlotOptions = { readonly places: number; readonly waiting: number; readonly waitMs: number };

type Waiting = { readonly granted: (release: () => void) => void; readonly cancelTimer: () => void };

export function createSlots({ places, waiting, waitMs }: SlotOptions): Slots {
  const line = new Set<Waiting>();
  let taken = 0;
  let onFree: (() => void) | undefined;

  const grant = (granted: Waiting['granted']) => {
    taken += 1;
    let held = true;
    granted(() => {
      if (!held) return;
      held = false;
      taken -= 1;
      next();
    });
  };

  const next = () => {
    for (const first of line) {
      if (taken >= places) return;
      line.delete(first);
      first.cancelTimer();
      grant(first.granted);
    }
    settle();
  };

  const settle = () => {
    if (taken > 0 || line.size > 0) return;
    const callback = onFree;
    onFree = undefined;
    callback?.();
  };

  return {
    take(granted, refused) {
      if (taken < places) {
        grant(granted);
        return () => undefined;
      }
      if (line.size >= waiting) {
        refused();
        return () => undefined;
      }
      const leave = () => {
        one.cancelTimer();
        return line.delete(one);
      };
      const one: Waiting = {
        granted,
        cancelTimer: longTimeout(waitMs, () => {
          if (leave()) refused();
        }),
      };
      line.add(one);
      return () => void leave();
    },
    whenFree(callback) {
      onFree = callback;
      settle();
    },
  };
}
