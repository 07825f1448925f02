import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type AddressSchema,
  ApiVersion,
  type ClusterLoadAssignmentSchema,
  type ConfigSourceSchema,
} from '@pulseplane/wire/envoy';

export function socketAddress(address: string, port: number): MessageInitShape<typeof AddressSchema> {
  const portSpecifier = { case: 'portValue' as const, value: port };
  return { address: { case: 'socketAddress', value: { address, portSpecifier } } };
}

/** A cluster's one endpoint. gRPC clients want a locality, and a weight of it. */
export function loadAssignment(
  clusterName: string,
  { host, port }: { readonly host: string; readonly port: number },
): MessageInitShape<typeof ClusterLoadAssignmentSchema> {
  const endpoint = { address: socketAddress(host, port) };
  const lbEndpoints = [{ hostIdentifier: { case: 'endpoint' as const, value: endpoint } }];
  return { clusterName, endpoints: [{ locality: { region: 'local' }, lbEndpoints, loadBalancingWeight: 1 }] };
}

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** Whether a host is an address already. A host name has no colon. */
export function isIpAddress(host: string): boolean {
  return IPV4.test(host) || host.includes(':');
}

/** Referred resources are asked for on the stream that the referring one came on. */
export const SAME_STREAM: MessageInitShape<typeof ConfigSourceSchema> = {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
};
