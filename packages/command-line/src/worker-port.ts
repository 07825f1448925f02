/** As docker-compose.yml has it: the second worker's admin port is 15100. */
const STEP = 100;

/** One of the own ports of a worker of several on a machine, of which the first (0) has `first`. */
export function workerPort(first: number, worker: number): number {
  return first + STEP * worker;
}
