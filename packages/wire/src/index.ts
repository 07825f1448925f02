export {
  type ClientStatusRequest,
  ClientStatusRequestSchema,
  type ClientStatusResponse,
  ClientStatusResponseSchema,
  ConfigStatus,
  clientStatusService,
} from './client-status.ts';
export {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
  type Node,
} from './discovery.ts';
export { aggregatedService, type DiscoveryService, discoveryServices } from './discovery-services.ts';
export { type Decoded, decodeResource } from './from-wire.ts';
export { encodeResource, RESOURCE_TYPE_URL } from './to-wire.ts';
export {
  type Attachment,
  AttachmentSchema,
  type Chunk,
  ChunkSchema,
  type Open,
  OpenSchema,
  type Report,
  Report_ConfigurationSchema,
  type Report_Counts,
  Report_CountsSchema,
  Report_OpenFailureSchema,
  ReportSchema,
  tunnelService,
} from './tunnel-service.ts';
