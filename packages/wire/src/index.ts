export { adsService } from './ads-service.ts';
export {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from './discovery.ts';
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
  ReportSchema,
  tunnelService,
} from './tunnel-service.ts';
