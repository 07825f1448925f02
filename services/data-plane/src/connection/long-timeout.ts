/** Node's timers hold 31 bits of milliseconds and fire at once beyond. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Calls back once after `ms`, however long that is. Does not keep the process alive.
 *
 * @returns cancels
 */
export function longTimeout(ms: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number) => {
    timer = setTimeout(
      () => (left > LONGEST_MS ? arm(left - LONGEST_MS) : callback()),
      Math.min(Math.max(left, 0), LONGEST_MS),
    );
    timer.unref();
  };
  arm(ms);
  return () => clearTimeout(timer);
}
