export type { EnvoyClient } from './client.ts';
export type { EnvoyResource } from './envoy-resource.ts';
export { toGrpc } from './grpc.ts';
export { type Remark, type Translated, toEnvoy } from './translate.ts';
export { ENVOY_TYPE_URLS, LISTENER_TYPE_URL } from './type-urls.ts';
