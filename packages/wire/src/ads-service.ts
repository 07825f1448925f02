import type { MethodDefinition } from '@grpc/grpc-js';
import {
  AggregatedDiscoveryService,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from './discovery.ts';
import { streamingMethod } from './method-codec.ts';

/** The aggregated discovery service for grpc-js: `addService` takes it whole, a client calls its method's path. */
export const adsService: {
  readonly deltaAggregatedResources: MethodDefinition<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
} = {
  deltaAggregatedResources: streamingMethod(
    `/${AggregatedDiscoveryService.typeName}/${AggregatedDiscoveryService.method.deltaAggregatedResources.name}`,
    DeltaDiscoveryRequestSchema,
    DeltaDiscoveryResponseSchema,
  ),
};
