import type {
  Backend,
  BackendPolicyIndex,
  Bind,
  EffectiveBackend,
  EffectiveFrontend,
  GatewayName,
  GatewayResource,
  HttpRoute,
  Listener,
  Policy,
  TcpRoute,
} from '@pulseplane/projection/gateway';
import { effectiveBackend, effectiveFrontend, indexBackendPolicies } from '@pulseplane/projection/gateway';
import { compileRoutes, type RouteEntry } from './route-entry.ts';
import type { UpstreamPath } from './upstream-path.ts';

/**
 * Everything that the worker was told, in one value that is swapped in one step. All lists are sorted by key, so that
 * nothing depends on the order of arrival.
 */
export type Tables = {
  /** By xDS resource name. */
  readonly resources: ReadonlyMap<string, GatewayResource>;
  /** The same: the versions in which they came. */
  readonly versions: ReadonlyMap<string, string>;
  readonly binds: readonly Bind[];
  readonly backends: ReadonlyMap<string, Backend>;
  readonly policies: readonly Policy[];
  readonly backendPolicies: BackendPolicyIndex;
  readonly listenersByBind: ReadonlyMap<string, readonly Listener[]>;
  readonly httpRoutesByListener: ReadonlyMap<string, readonly HttpRoute[]>;
  readonly tcpRoutesByListener: ReadonlyMap<string, readonly TcpRoute[]>;
  /** Ready to match: the most specific first. */
  readonly routeEntriesByListener: ReadonlyMap<string, readonly RouteEntry[]>;
};

/** What a worker knows before its first configuration. */
export const EMPTY_TABLES: Tables = buildTables(new Map(), new Map(), undefined, new Set());

/**
 * Builds the lookups. Those of a former value are kept where no kind that they are made of changed.
 *
 * @param changed kinds that differ from `former`
 */
export function buildTables(
  resources: ReadonlyMap<string, GatewayResource>,
  versions: ReadonlyMap<string, string>,
  former: Tables | undefined,
  changed: ReadonlySet<GatewayResource['kind']>,
): Tables {
  const sorted = [...resources.values()].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const keep = (kind: GatewayResource['kind']) => former !== undefined && !changed.has(kind);
  const routes = sorted.filter((resource) => resource.kind === 'route');
  const policies = sorted.filter((resource) => resource.kind === 'policy');
  return {
    resources,
    versions,
    binds: sorted.filter((resource) => resource.kind === 'bind'),
    policies,
    backendPolicies: former !== undefined && keep('policy') ? former.backendPolicies : indexBackendPolicies(policies),
    backends: new Map(sorted.filter((resource) => resource.kind === 'backend').map((it) => [it.key, it])),
    listenersByBind: groupBy(
      sorted.filter((resource) => resource.kind === 'listener'),
      (listener) => listener.bindKey,
    ),
    httpRoutesByListener: groupBy(routes, (route) => route.listenerKey),
    tcpRoutesByListener: groupBy(
      sorted.filter((resource) => resource.kind === 'tcp_route'),
      (route) => route.listenerKey,
    ),
    routeEntriesByListener:
      former !== undefined && keep('route') ? former.routeEntriesByListener : compileRoutes(routes),
  };
}

/** The settings in force on each port, computed once for each value of the tables. */
export function frontendByPort(tables: Tables, gateway: GatewayName): (port: number) => EffectiveFrontend {
  const known = new Map<number, EffectiveFrontend>();
  return (port) => {
    let frontend = known.get(port);
    if (frontend === undefined) {
      frontend = effectiveFrontend(tables.policies, gateway, port);
      known.set(port, frontend);
    }
    return frontend;
  };
}

/** The settings in force on each path, computed once for each value of the tables; undefined without its backend. */
export function backendByPath({
  backends,
  backendPolicies,
}: Tables): (path: UpstreamPath) => EffectiveBackend | undefined {
  const known = new Map<string, EffectiveBackend>();
  return (path) => {
    const backend = backends.get(path.backendKey);
    if (backend === undefined) return undefined;
    let settings = known.get(path.key);
    if (settings === undefined) {
      settings = effectiveBackend(backendPolicies, { ...path, backend });
      known.set(path.key, settings);
    }
    return settings;
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
