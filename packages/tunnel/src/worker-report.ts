import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Report, ReportSchema } from '@pulseplane/wire';

/** What a worker says of itself. */
export type WorkerReport = {
  /** How many connections are open on each port that has any. */
  readonly connections: ReadonlyMap<number, number>;
};

const HIGHEST_PORT = 65_535;

/** Words a report. */
export function toReport({ connections }: WorkerReport): MessageInitShape<typeof ReportSchema> {
  return { ports: [...connections].map(([port, openConnections]) => ({ port, openConnections })) };
}

/** Reads a report. What cannot be a port is left out, which also bounds it. */
export function fromReport({ ports }: Report): WorkerReport {
  const known = ports.filter(({ port }) => port >= 1 && port <= HIGHEST_PORT);
  return { connections: new Map(known.map(({ port, openConnections }) => [port, openConnections])) };
}
