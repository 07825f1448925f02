export type { EnvoyClient } from './client.ts';
export type { EnvoyResource } from './envoy-resource.ts';
export { toGrpc } from './grpc.ts';
export { type Remark, type Translated, toEnvoy } from './translate.ts';
