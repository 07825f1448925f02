/** The xDS transport messages, as generated. */
export { AggregatedDiscoveryService } from './gen/envoy/service/discovery/v3/ads_pb.ts';
export {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from './gen/envoy/service/discovery/v3/discovery_pb.ts';
