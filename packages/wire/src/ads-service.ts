import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import {
  AggregatedDiscoveryService,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from './discovery.ts';

/** The aggregated discovery service for grpc-js: `addService` takes it whole, a client calls its method's path. */
export const adsService: {
  readonly deltaAggregatedResources: MethodDefinition<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
} = {
  deltaAggregatedResources: {
    path: `/${AggregatedDiscoveryService.typeName}/${AggregatedDiscoveryService.method.deltaAggregatedResources.name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: encoder(DeltaDiscoveryRequestSchema),
    requestDeserialize: decoder(DeltaDiscoveryRequestSchema),
    responseSerialize: encoder(DeltaDiscoveryResponseSchema),
    responseDeserialize: decoder(DeltaDiscoveryResponseSchema),
  },
};

function encoder<Desc extends DescMessage>(schema: Desc): (message: MessageShape<Desc>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function decoder<Desc extends DescMessage>(schema: Desc): (bytes: Buffer) => MessageShape<Desc> {
  return (bytes) => fromBinary(schema, bytes);
}
