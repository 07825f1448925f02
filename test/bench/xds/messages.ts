import { create, toBinary } from '@bufbuild/protobuf';
import {
  aggregatedService,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  RESOURCE_TYPE_URL,
} from '@pulseplane/wire';

/** The method that all servers of the bench are asked by. */
export const PATH = aggregatedService.delta.method.path;

/** The type that go-control-plane's caches have, and the one that the control plane makes. */
export const CLUSTER_TYPE_URL = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
export { RESOURCE_TYPE_URL };

/** DeltaDiscoveryResponse.nonce, and DeltaDiscoveryRequest's type_url and response_nonce. */
export const RESPONSE_NONCE = 5;
export const REQUEST_TYPE_URL = 2;
export const REQUEST_NONCE = 6;

/** Asks for everything of a type, as a worker opens its stream. */
export function firstRequest(node: string, role: string, typeUrl: string): Uint8Array {
  const metadata = { role, NAMESPACE: 'bench', NAME: node };
  return toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, { typeUrl, node: { id: node, metadata } }),
  );
}

/** About what the resource of one policy takes; the peer's are as large. */
export const RESOURCE_BYTES = 160;

/** A resource's name, as many bytes as the peer's, and its body, which says which version it is. */
export function resourceOf(index: number, version: number): { readonly name: string; readonly body: Buffer } {
  return { name: `resource-${index}`, body: Buffer.alloc(RESOURCE_BYTES, `${version} `.padStart(9, '0')) };
}

/** A response with one resource, without its nonce. */
export function responseOf(version: number): Uint8Array {
  const { name, body } = resourceOf(0, version);
  return toBinary(
    DeltaDiscoveryResponseSchema,
    create(DeltaDiscoveryResponseSchema, {
      systemVersionInfo: String(version).padStart(16, '0'),
      typeUrl: CLUSTER_TYPE_URL,
      resources: [
        { name, version: String(version).padStart(32, '0'), resource: { typeUrl: CLUSTER_TYPE_URL, value: body } },
      ],
      controlPlane: { identifier: 'bench' },
    }),
  );
}
