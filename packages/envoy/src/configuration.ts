import {
  type Backend,
  type BackendPolicyIndex,
  type Bind,
  type GatewayName,
  type GatewayResource,
  type HttpRoute,
  indexBackendPolicies,
  type Listener,
  type Policy,
  type RouteCandidate,
  routesInPrecedence,
  type TcpRoute,
} from '@pulseplane/projection/gateway';

/** A gateway's resources, laid out for lookup. Nothing in it depends on the order in which they are given. */
export type Configuration = {
  readonly gateway: GatewayName;
  readonly binds: readonly Bind[];
  readonly policies: readonly Policy[];
  readonly policyByKey: ReadonlyMap<string, Policy>;
  readonly backendPolicies: BackendPolicyIndex;
  readonly backends: ReadonlyMap<string, Backend>;
  listenersOf(bind: Bind): readonly Listener[];
  /** In precedence. */
  httpRoutesOf(listener: Listener): readonly RouteCandidate[];
  tcpRoutesOf(listener: Listener): readonly TcpRoute[];
};

export function layOut(gateway: GatewayName, resources: readonly GatewayResource[]): Configuration {
  const sorted = resources.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const policies = sorted.filter((resource) => resource.kind === 'policy');
  const listeners = sorted.filter((resource) => resource.kind === 'listener');
  const tcpRoutes = sorted.filter((resource) => resource.kind === 'tcp_route');
  const httpRoutes: readonly HttpRoute[] = sorted.filter((resource) => resource.kind === 'route');
  const candidates = routesInPrecedence(httpRoutes);
  return {
    gateway,
    binds: sorted.filter((resource) => resource.kind === 'bind'),
    policies,
    policyByKey: new Map(policies.map((policy) => [policy.key, policy])),
    backendPolicies: indexBackendPolicies(policies),
    backends: new Map(sorted.filter((resource) => resource.kind === 'backend').map((it) => [it.key, it])),
    listenersOf: (bind) => listeners.filter(({ bindKey }) => bindKey === bind.key),
    httpRoutesOf: ({ key }) => candidates.get(key) ?? [],
    tcpRoutesOf: ({ key }) => tcpRoutes.filter(({ listenerKey }) => listenerKey === key),
  };
}
