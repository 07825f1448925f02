import { create } from '@bufbuild/protobuf';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '@pulseplane/wire';
import type { DeltaRequest, DeltaResponse } from '../delta/message.ts';

/** Who a client says it is, with agentgateway's names of the metadata. */
export type NodeIdentity = {
  readonly id: string;
  /** `<namespace>~<gateway>`. */
  readonly role: string;
  /** NAMESPACE: the one that the worker itself lives in. */
  readonly namespace?: string;
  /** NAME: how the worker is called there. */
  readonly name?: string;
};

export function toRequest(message: DeltaDiscoveryRequest): DeltaRequest {
  return {
    typeUrl: message.typeUrl,
    subscribe: message.resourceNamesSubscribe,
    unsubscribe: message.resourceNamesUnsubscribe,
    initialVersions: new Map(Object.entries(message.initialResourceVersions)),
    nonce: message.responseNonce,
    // C11: a NACK is told by the presence of error_detail; its code is 0 in agentgateway's.
    ...(message.errorDetail !== undefined && { error: message.errorDetail.message }),
  };
}

export function fromRequest(request: DeltaRequest, node: NodeIdentity | undefined): DeltaDiscoveryRequest {
  return create(DeltaDiscoveryRequestSchema, {
    ...(node !== undefined && { node: { id: node.id, metadata: toMetadata(node) } }),
    typeUrl: request.typeUrl,
    resourceNamesSubscribe: [...request.subscribe],
    resourceNamesUnsubscribe: [...request.unsubscribe],
    initialResourceVersions: Object.fromEntries(request.initialVersions),
    responseNonce: request.nonce,
    ...(request.error !== undefined && { errorDetail: { message: request.error } }),
  });
}

export function toResponse(message: DeltaDiscoveryResponse): DeltaResponse {
  return {
    typeUrl: message.typeUrl,
    nonce: message.nonce,
    resources: message.resources.map(({ name, version, resource }) => ({
      name,
      version,
      body: resource?.value ?? new Uint8Array(),
    })),
    removed: message.removedResources,
  };
}

export function fromResponse(response: DeltaResponse, controlPlane: string): DeltaDiscoveryResponse {
  const { typeUrl } = response;
  return create(DeltaDiscoveryResponseSchema, {
    typeUrl,
    nonce: response.nonce,
    resources: response.resources.map(({ name, version, body }) => ({
      name,
      version,
      resource: { typeUrl, value: body },
    })),
    removedResources: [...response.removed],
    controlPlane: { identifier: controlPlane },
  });
}

/** The node of a stream's first request; undefined when it has no id (C3). */
export function nodeIdentity({ node }: DeltaDiscoveryRequest): NodeIdentity | undefined {
  if (node === undefined || node.id === '') return undefined;
  const { role, NAMESPACE: namespace, NAME: name } = node.metadata ?? {};
  return {
    id: node.id,
    role: typeof role === 'string' ? role : '',
    ...(typeof namespace === 'string' && { namespace }),
    ...(typeof name === 'string' && { name }),
  };
}

function toMetadata({ role, namespace, name }: NodeIdentity): Record<string, string> {
  return { role, ...(namespace !== undefined && { NAMESPACE: namespace }), ...(name !== undefined && { NAME: name }) };
}
