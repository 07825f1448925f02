import type { MethodDefinition } from '@grpc/grpc-js';
import {
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
  WorkerTunnel,
} from './gen/pulseplane/dev/tunnel/v1/tunnel_pb.ts';
import { streamingMethod } from './method-codec.ts';

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
};

/** The tunnel to workers for grpc-js. */
export const tunnelService: {
  readonly attach: MethodDefinition<Attachment, Open>;
  readonly carry: MethodDefinition<Chunk, Chunk>;
} = {
  attach: streamingMethod(`/${WorkerTunnel.typeName}/${WorkerTunnel.method.attach.name}`, AttachmentSchema, OpenSchema),
  carry: streamingMethod(`/${WorkerTunnel.typeName}/${WorkerTunnel.method.carry.name}`, ChunkSchema, ChunkSchema),
};
