/** Judges open connections again without holding up the event loop. */
export type Rejudge = {
  /** Every connection that is open now will be judged by the settings that hold when its turn comes. */
  all(): void;
};

/**
 * @param perTurn how many connections one turn of the event loop judges
 */
export function createRejudge<Connection>(
  connections: () => Iterable<Connection>,
  judge: (connection: Connection) => void,
  perTurn = 200,
): Rejudge {
  // Those that wait keep their place when another change comes, so a stream of changes starves nobody.
  const waiting = new Set<Connection>();
  let scheduled = false;

  const turn = () => {
    scheduled = false;
    let left = perTurn;
    for (const connection of waiting) {
      waiting.delete(connection);
      judge(connection);
      left -= 1;
      if (left === 0) break;
    }
    schedule();
  };

  const schedule = () => {
    if (scheduled || waiting.size === 0) return;
    scheduled = true;
    setImmediate(turn);
  };

  return {
    all() {
      for (const connection of connections()) waiting.add(connection);
      schedule();
    },
  };
}
