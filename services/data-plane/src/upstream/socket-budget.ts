/** How many sockets the worker may open to all backends together. */
export type SocketBudget = {
  /** Takes one; false when none is left. */
  take(): boolean;
  /** Gives back one that was taken. */
  release(): void;
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
      if (open >= sockets) return false;
      open += 1;
      return true;
    },
    release() {
      open -= 1;
    },
  };
}
