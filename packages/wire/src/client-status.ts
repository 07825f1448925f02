import type { MethodDefinition } from '@grpc/grpc-js';
import {
  ClientStatusDiscoveryService,
  type ClientStatusRequest,
  ClientStatusRequestSchema,
  type ClientStatusResponse,
  ClientStatusResponseSchema,
  ConfigStatus,
} from './gen/envoy/service/status/v3/csds_pb.ts';
import { streamingMethod } from './method-codec.ts';

export {
  type ClientStatusRequest,
  ClientStatusRequestSchema,
  type ClientStatusResponse,
  ClientStatusResponseSchema,
  ConfigStatus,
};

const stream = streamingMethod(
  `/${ClientStatusDiscoveryService.typeName}/${ClientStatusDiscoveryService.method.streamClientStatus.name}`,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
);

/** Client status discovery for grpc-js. */
export const clientStatusService: {
  readonly streamClientStatus: MethodDefinition<ClientStatusRequest, ClientStatusResponse>;
  readonly fetchClientStatus: MethodDefinition<ClientStatusRequest, ClientStatusResponse>;
} = {
  streamClientStatus: stream,
  fetchClientStatus: {
    ...stream,
    path: `/${ClientStatusDiscoveryService.typeName}/${ClientStatusDiscoveryService.method.fetchClientStatus.name}`,
    requestStream: false,
    responseStream: false,
  },
};
