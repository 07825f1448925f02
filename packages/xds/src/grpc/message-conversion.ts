import { create } from '@bufbuild/protobuf';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type Node,
  type DiscoveryRequest as SotwDiscoveryRequest,
} from '@pulseplane/wire';
import type { DeltaRequest, DiscoveryRequest, DiscoveryResponse } from '../protocol/message.ts';
import { withoutKeys } from '../protocol/nack-text.ts';

/** Who a client says it is. */
export type NodeIdentity = {
  readonly id: string;
  /** `<namespace>~<gateway>`: agentgateway's metadata of that name, else Envoy's node cluster. */
  readonly role: string;
  /** NAMESPACE, agentgateway's metadata: the one that the worker itself lives in. */
  readonly namespace?: string;
  /** NAME: how the worker is called there. */
  readonly name?: string;
  /** Name and version of the program, as far as it says them. */
  readonly userAgent?: string;
  /** Says over its tunnel which of the ports of a configuration are open. */
  readonly reportsPorts?: boolean;
  /** LISTEN_ADDRESS, metadata of our own: the IP address that an Envoy is to open its ports on. */
  readonly listenAddress?: string;
};

/** The name of that among a node's client features. */
const PORT_REPORTS = 'dev.pulseplane.tunnel.port-reports';

/** What came: the request as the machine takes it, and who it is from if it says so with an id (C3). */
export type Received = { readonly request: DiscoveryRequest; readonly node: NodeIdentity | undefined };

/** Either variant's message. What a client wrote is without keys from here on. */
export function toReceived(message: DeltaDiscoveryRequest | SotwDiscoveryRequest): Received {
  return { request: toRequest(message), node: nodeIdentity(message) };
}

function toRequest(message: DeltaDiscoveryRequest | SotwDiscoveryRequest): DiscoveryRequest {
  // C11: a NACK is told by the presence of error_detail; its code is 0 in agentgateway's.
  const { typeUrl, responseNonce: nonce, errorDetail } = message;
  const rest = { typeUrl, nonce, ...(errorDetail !== undefined && { error: withoutKeys(errorDetail.message) }) };
  if (message.$typeName === 'envoy.service.discovery.v3.DiscoveryRequest') {
    return { variant: 'sotw', names: message.resourceNames, version: message.versionInfo, ...rest };
  }
  return {
    variant: 'delta',
    subscribe: message.resourceNamesSubscribe,
    unsubscribe: message.resourceNamesUnsubscribe,
    initialVersions: new Map(Object.entries(message.initialResourceVersions)),
    ...rest,
  };
}

export function fromDeltaRequest(request: DeltaRequest, node: NodeIdentity | undefined): DeltaDiscoveryRequest {
  return create(DeltaDiscoveryRequestSchema, {
    ...(node !== undefined && {
      node: {
        id: node.id,
        metadata: toMetadata(node),
        clientFeatures: node.reportsPorts === true ? [PORT_REPORTS] : [],
      },
    }),
    typeUrl: request.typeUrl,
    resourceNamesSubscribe: [...request.subscribe],
    resourceNamesUnsubscribe: [...request.unsubscribe],
    initialResourceVersions: Object.fromEntries(request.initialVersions),
    responseNonce: request.nonce,
    ...(request.error !== undefined && { errorDetail: { message: request.error } }),
  });
}

export function toResponse(message: DeltaDiscoveryResponse): DiscoveryResponse {
  return {
    typeUrl: message.typeUrl,
    version: message.systemVersionInfo,
    nonce: message.nonce,
    resources: message.resources.map(({ name, version, resource }) => ({
      name,
      version,
      body: resource?.value ?? new Uint8Array(),
    })),
    removed: message.removedResources,
  };
}

function nodeIdentity({ node }: DeltaDiscoveryRequest | SotwDiscoveryRequest): NodeIdentity | undefined {
  if (node === undefined || node.id === '') return undefined;
  const { role, NAMESPACE: namespace, NAME: name, LISTEN_ADDRESS: listenAddress } = node.metadata ?? {};
  const userAgent = [node.userAgentName, versionOf(node)].filter((part) => part !== '').join(' ');
  return {
    id: node.id,
    role: typeof role === 'string' ? role : node.cluster,
    ...(typeof namespace === 'string' && { namespace }),
    ...(typeof name === 'string' && { name }),
    ...(userAgent !== '' && { userAgent }),
    ...(node.clientFeatures.includes(PORT_REPORTS) && { reportsPorts: true }),
    ...(typeof listenAddress === 'string' && { listenAddress }),
  };
}

function versionOf({ userAgentVersionType: said }: Node): string {
  if (said.case === 'userAgentVersion') return said.value;
  const version = said.value?.version;
  return version === undefined ? '' : `${version.majorNumber}.${version.minorNumber}.${version.patch}`;
}

function toMetadata({ role, namespace, name }: NodeIdentity): Record<string, string> {
  return { role, ...(namespace !== undefined && { NAMESPACE: namespace }), ...(name !== undefined && { NAME: name }) };
}
