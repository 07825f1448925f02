/** Below it a timer is set as it is, from it on in steps of powers of two. Milliseconds. */
const SHORT_MS = 1_024;
/** Node's timers hold 31 bits of milliseconds and fire at once beyond. */
const LONGEST_POWER = 30;

/**
 * Calls back once after `ms`, however long that is, at most a millisecond late for each step. Does not keep the process
 * alive.
 *
 * Node keeps a list for each duration, and one of timers that were unref'd stays, empty, until that duration is over: a
 * policy that sets other hours on each of many connections would leave one for each. So long ones are made of few durations.
 *
 * @returns cancels
 */
export function longTimeout(ms: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number) => {
    const step = left < SHORT_MS ? Math.max(left, 0) : 2 ** Math.min(Math.floor(Math.log2(left)), LONGEST_POWER);
    timer = setTimeout(() => (left > step ? arm(left - step) : callback()), step);
    timer.unref();
  };
  arm(ms);
  return () => clearTimeout(timer);
}
