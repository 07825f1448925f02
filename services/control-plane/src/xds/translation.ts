import type { GatewayName, GatewayResource } from '@pulseplane/projection/gateway';
import { resourceName } from '@pulseplane/projection/gateway';
import { encodeResource, RESOURCE_TYPE_URL } from '@pulseplane/wire';
import type { NodeIdentity } from '@pulseplane/xds';

/** A resource of any type: the name that clients subscribe to, and the value of its Any. */
export type TypedResource = {
  readonly typeUrl: string;
  readonly name: string;
  readonly value: Uint8Array;
  /** The names of the gateway resources that it says something of; when left out, its own is one. */
  readonly sources?: readonly string[];
};

/** What one family of clients gets of a gateway's configuration. */
export type Translation = {
  /** Every type that it makes. A type belongs to one translation. */
  readonly typeUrls: readonly string[];
  /** Which variant of them a node gets: nodes alike share one. Left out: there is one, ''. */
  readonly variantOf?: (node: NodeIdentity) => string;
  /** Equal input gives equal bytes: a version is their hash. Names are unique in each type. */
  readonly translate: (
    gateway: GatewayName,
    resources: readonly GatewayResource[],
    variant: string,
  ) => readonly TypedResource[];
};

/** Our worker's and agentgateway's: the configuration as it is, encoded once for each resource. */
export function agentgatewayTranslation(): Translation {
  const encoded = new WeakMap<GatewayResource, TypedResource>();
  const encode = (resource: GatewayResource): TypedResource => {
    const known = encoded.get(resource);
    if (known !== undefined) return known;
    const typed = { typeUrl: RESOURCE_TYPE_URL, name: resourceName(resource), value: encodeResource(resource) };
    encoded.set(resource, typed);
    return typed;
  };
  return { typeUrls: [RESOURCE_TYPE_URL], translate: (_gateway, resources) => resources.map(encode) };
}
