export { type AdsClientOptions, type AdsClientState, runAdsClient } from './grpc/ads-client.ts';
export {
  createDiscoveryServer,
  type DiscoveryServer,
  type DiscoveryServerOptions,
  type StreamLimits,
} from './grpc/discovery-server.ts';
export {
  type DiscoveryStream,
  observers,
  type RefusalRule,
  type ResourceSource,
  type StreamObserver,
} from './grpc/discovery-stream.ts';
export type { NodeIdentity } from './grpc/message-conversion.ts';
export { reconnectDelay } from './protocol/client.ts';
export type { DiscoveryResponse, Rejection } from './protocol/message.ts';
export { type ResourceStatus, resourceStatuses } from './protocol/resource-status.ts';
export { NO_RESOURCES, type ResourceSet, type VersionedResource } from './protocol/resources.ts';
export type { ServerOutput } from './protocol/server-step.ts';
export type { TypeState } from './protocol/type-state.ts';
