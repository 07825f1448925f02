export { Projection } from './projection.ts';
export type { WorkerObservation } from './status/gateway-status.ts';
