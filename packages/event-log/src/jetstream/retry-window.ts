/** Which messages of one writer were seen: the newest number, and a bit for each number down from it. */
export type RetryWindow = { readonly newest: number; readonly seen: number };

/** How far behind its newest message one may still come. A writer has fewer than this on the way. */
export const WINDOW_SIZE = 32;

export const EMPTY_WINDOW: RetryWindow = { newest: 0, seen: 0 };

/**
 * The window with one more message, or undefined when that must not be folded: it was seen, or it comes so late that
 * nobody knows. Both depend on the stream alone, so every replica decides alike; and its writer waits for it no more.
 */
export function admit({ newest, seen }: RetryWindow, number: number): RetryWindow | undefined {
  if (number > newest) {
    const shift = number - newest;
    return { newest: number, seen: shift >= WINDOW_SIZE ? 1 : ((seen << shift) | 1) >>> 0 };
  }
  const age = newest - number;
  if (age >= WINDOW_SIZE || ((seen >>> age) & 1) === 1) return undefined;
  return { newest, seen: (seen | (1 << age)) >>> 0 };
}
