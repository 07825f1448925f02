/** What the protocol has to know of a type. */
export type TypeTraits = {
  /** State of the world: a response holds everything, and what is absent is deleted (C42). */
  readonly fullState: boolean;
  /** To name nothing at first means everything (C25). */
  readonly legacyWildcard: boolean;
  /** Names are sent again on a new stream even if the client holds them: what they belong to may be warming (C24). */
  readonly resentOnReconnect: boolean;
};

const google = <Name extends string>(name: Name): `type.googleapis.com/${Name}` => `type.googleapis.com/${name}`;

export const LISTENER_TYPE_URL = google('envoy.config.listener.v3.Listener');
export const ROUTE_TYPE_URL = google('envoy.config.route.v3.RouteConfiguration');
export const CLUSTER_TYPE_URL = google('envoy.config.cluster.v3.Cluster');
export const ENDPOINT_TYPE_URL = google('envoy.config.endpoint.v3.ClusterLoadAssignment');
const GATEWAY_RESOURCE_TYPE_URL = google('agentgateway.dev.resource.Resource');
/** A stock agentgateway serves nothing before it has an answer to this one too; there are none. */
const ADDRESS_TYPE_URL = google('istio.workload.Address');

const NAMED: TypeTraits = { fullState: false, legacyWildcard: false, resentOnReconnect: false };
const EVERYTHING: TypeTraits = { fullState: true, legacyWildcard: true, resentOnReconnect: false };

const TRAITS: ReadonlyMap<string, TypeTraits> = new Map([
  [LISTENER_TYPE_URL, EVERYTHING],
  [CLUSTER_TYPE_URL, EVERYTHING],
  [GATEWAY_RESOURCE_TYPE_URL, EVERYTHING],
  [ADDRESS_TYPE_URL, EVERYTHING],
  [ENDPOINT_TYPE_URL, { ...NAMED, resentOnReconnect: true }],
]);

const TYPE_URLS = new Map([...TRAITS.keys()].map((typeUrl) => [typeUrl, typeUrl]));

/** The same type URL, for those that are known the same object for all streams. */
export function sharedTypeUrl(typeUrl: string): string {
  return TYPE_URLS.get(typeUrl) ?? typeUrl;
}

export function traitsOf(typeUrl: string): TypeTraits {
  return TRAITS.get(typeUrl) ?? NAMED;
}

/**
 * The order in which types are sent (C49): what is pointed at comes before what points at it. Of an aggregated stream
 * an update waits for the answers to `afterAnswer`; a removal waits until `afterRemoval` are answered, and not refused.
 */
export type TypeOrder = { readonly afterAnswer: readonly string[]; readonly afterRemoval: readonly string[] };

/** Waits for nothing. */
export const ANY_TIME: TypeOrder = { afterAnswer: [], afterRemoval: [] };

// Envoy withholds the answer to clusters until their endpoints have come (warming): endpoints never wait (C52).
const ORDER: ReadonlyMap<string, TypeOrder> = new Map([
  [CLUSTER_TYPE_URL, { afterAnswer: [], afterRemoval: [LISTENER_TYPE_URL, ROUTE_TYPE_URL] }],
  [ENDPOINT_TYPE_URL, { afterAnswer: [], afterRemoval: [CLUSTER_TYPE_URL, LISTENER_TYPE_URL, ROUTE_TYPE_URL] }],
  [LISTENER_TYPE_URL, { afterAnswer: [CLUSTER_TYPE_URL], afterRemoval: [] }],
  [ROUTE_TYPE_URL, { afterAnswer: [CLUSTER_TYPE_URL, LISTENER_TYPE_URL], afterRemoval: [LISTENER_TYPE_URL] }],
]);

export function orderOf(typeUrl: string): TypeOrder {
  return ORDER.get(typeUrl) ?? ANY_TIME;
}

const RANK = [...ORDER.keys()];

/** For sorting types into the order in which they are sent. Types without an order come last. */
export function rankOf(typeUrl: string): number {
  const rank = RANK.indexOf(typeUrl);
  return rank < 0 ? RANK.length : rank;
}
