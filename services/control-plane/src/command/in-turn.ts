/** Of each log, the last of those who wait, by what they wait for. Nothing is kept of what nobody waits for. */
const lines = new WeakMap<object, Map<string, Promise<unknown>>>();

/** Runs a task when those that came before it under the same key are done, however they ended. */
export async function inTurn<T>(log: object, key: string, task: () => Promise<T>): Promise<T> {
  const line = lines.get(log) ?? new Map<string, Promise<unknown>>();
  lines.set(log, line);
  const own = line.get(key)?.then(task, task) ?? task();
  line.set(key, own);
  try {
    return await own;
  } finally {
    if (line.get(key) === own) line.delete(key);
  }
}
