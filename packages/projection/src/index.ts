export type { GatewayParts } from './gateway-projection.ts';
export type { Overridden } from './overridden-policies.ts';
export type { PortSettings } from './port-settings.ts';
export { Projection } from './projection.ts';
export type { Touched } from './reach.ts';
export type { PortFailure, WorkerObservation } from './status/programmed.ts';
export type { ObjectSource } from './world/object-source.ts';
