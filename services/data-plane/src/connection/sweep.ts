/** Looks at all open connections now and then. */
export type Sweep = {
  /** Does nothing while the last one goes on. */
  start(): void;
};

/**
 * Makes nothing that would have to be collected: a worker with many silent connections does this all the time.
 *
 * @param look `now` is `performance.now()`
 * @param perTurn how many connections one turn of the event loop looks at
 */
export function createSweep<Connection>(
  connections: ReadonlySet<Connection>,
  look: (connection: Connection, now: number) => void,
  perTurn = 200,
): Sweep {
  let rest: IterableIterator<Connection> | undefined;

  const turn = () => {
    if (rest === undefined) return;
    const now = performance.now();
    let left = perTurn;
    // A set's iterator goes on where it was left, and finds those that came since.
    for (const connection of rest) {
      look(connection, now);
      left -= 1;
      if (left === 0) {
        setImmediate(turn);
        return;
      }
    }
    rest = undefined;
  };

  return {
    start() {
      if (rest !== undefined) return;
      rest = connections.values();
      turn();
    },
  };
}
