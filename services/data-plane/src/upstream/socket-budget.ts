import type { Socket } from 'node:net';

/** How many sockets the worker may open to all backends together. */
export type SocketBudget = {
  /** Takes one until `release`; undefined when none is left. */
  take(): { release(): void; releaseOnClose(socket: Socket): void } | undefined;
};

/** All upstream sockets are in use. */
export class UpstreamSocketsError extends Error {
  readonly code = 'PULSEPLANE_UPSTREAM_SOCKETS';

  constructor() {
    super('all upstream sockets are in use');
    this.name = 'UpstreamSocketsError';
  }
}

export function createSocketBudget(sockets: number): SocketBudget {
  let open = 0;
  return {
    take() {
      if (open >= sockets) return undefined;
      open += 1;
      let held = true;
      const release = () => {
        if (held) open -= 1;
        held = false;
      };
      return { release, releaseOnClose: (socket) => void socket.on('close', release) };
    },
  };
}
