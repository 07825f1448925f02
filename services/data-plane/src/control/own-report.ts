import type { ConfigurationReport, PortState, WorkerCounts, WorkerReport } from '@pulseplane/tunnel';
import type { BindStatus } from '../listener/bind-manager.ts';

/** What is told of the worker: its ports, and which configuration they are of. */
export type OwnReport = {
  /** A configuration is in force; its ports may still be opening. */
  taken(nonce: string): void;
  /** The stream that the nonces were of has ended. */
  streamEnded(): void;
  report(): WorkerReport;
};

type Told = {
  connectionsPerPort(): ReadonlyMap<number, number>;
  binds(): readonly BindStatus[];
  counts(): WorkerCounts;
  configuration(): ConfigurationReport | undefined;
};

/** Counts change all the time, and are sent whole. */
const COUNTS_EVERY_MS = 5_000;

export function createOwnReport(worker: Told): OwnReport {
  let taken = '';
  // A configuration is named when all its ports were tried, so that whoever reads its name knows all of them.
  let tried = '';
  let counted: { readonly counts: WorkerCounts; readonly at: number } | undefined;
  const counts = (): WorkerCounts => {
    const at = performance.now();
    if (counted === undefined || at - counted.at >= COUNTS_EVERY_MS) counted = { counts: worker.counts(), at };
    return counted.counts;
  };
  return {
    taken: (nonce) => {
      taken = nonce;
    },
    streamEnded: () => {
      taken = '';
      tried = '';
    },
    report: () => {
      const binds = worker.binds();
      if (binds.every(({ state }) => state !== 'opening')) tried = taken;
      const configuration = worker.configuration();
      return {
        nonce: tried,
        counts: counts(),
        ...(configuration && { configuration }),
        connections: worker.connectionsPerPort(),
        ports: new Map(
          binds.flatMap((status): [number, PortState][] => {
            const state = portState(status);
            return state === undefined ? [] : [[status.bind.port, state]];
          }),
        ),
      };
    },
  };
}

function portState(status: BindStatus): PortState | undefined {
  switch (status.state) {
    case 'opening':
      return undefined;
    case 'listening':
      return { kind: 'listening', since: status.since };
    case 'failed':
      return { kind: 'failed', since: status.since, code: status.error, address: status.address };
  }
}
