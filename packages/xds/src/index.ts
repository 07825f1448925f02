export { reconnectDelay } from './delta/client.ts';
export type {
  DeltaResponse,
  Rejection,
  ResourceSet,
  VersionedResource,
} from './delta/message.ts';
export type { ServerOutput } from './delta/server.ts';
export { type AdsClientOptions, type AdsClientState, runAdsClient } from './grpc/ads-client.ts';
export {
  type AdsServer,
  type AdsServerOptions,
  createAdsServer,
  type ResourceSource,
  type StreamObserver,
} from './grpc/ads-server.ts';
export type { NodeIdentity } from './grpc/message-conversion.ts';
