import type { PortState, WorkerReport } from '@pulseplane/tunnel';
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
};

export function createOwnReport(worker: Told): OwnReport {
  let taken = '';
  // A configuration is named when all its ports were tried, so that whoever reads its name knows all of them.
  let tried = '';
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
      return {
        nonce: tried,
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
