/**
 * Calls `stop` once when the process is asked to end: by SIGINT, SIGTERM or SIGHUP, or because the supervisor that
 * started it is gone (its IPC channel closes even when the supervisor was killed). `hurry` is called when it is asked
 * again meanwhile.
 */
export function onStopRequest(stop: (why: string) => void, hurry: () => void = () => {}): void {
  let asked = false;
  const once = (why: string): void => {
    if (asked) hurry();
    else {
      asked = true;
      stop(why);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => once(signal));
  if (process.connected) process.on('disconnect', () => once('the supervisor is gone'));
}
