import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Bind,
  type GatewayName,
  type GatewayResource,
  type RouteMatch,
  resourceName,
} from '@pulseplane/projection/gateway';
import {
  Cluster_DiscoveryType,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  HttpConnectionManagerSchema,
  ListenerSchema,
  RouteConfigurationSchema,
  type RouteSchema,
} from '@pulseplane/wire/envoy';
import { isIpAddress, loadAssignment, SAME_STREAM } from './address.ts';
import { discovery } from './cluster.ts';
import { type Configuration, layOut } from './configuration.ts';
import { type EnvoyResource, encode, pack } from './envoy-resource.ts';
import { matchFault, sharesOf, toClusters, toMatch } from './http-route.ts';
import { ROUTER } from './listener.ts';
import type { Upstream } from './upstream.ts';
import { type HostRoutes, hostRoutes } from './virtual-hosts.ts';

/**
 * What lets gRPC clients go to a gateway's backends without it, by `xds:///<host>:<port>` of an HTTP listener, or
 * `xds:///<gateway>.<namespace>:<port>` where it has no host name: the routes of that host, and their backends. Keepalive
 * is not among what such a client takes. Pure, as `toEnvoy` is.
 */
export function toGrpc(gateway: GatewayName, resources: readonly GatewayResource[]): readonly EnvoyResource[] {
  const configuration = layOut(gateway, resources);
  const targets = configuration.binds
    .filter(({ protocol }) => protocol === 'http')
    .flatMap((bind) => toTargets(configuration, bind));
  const upstreams = new Map(targets.flatMap((target) => target.upstreams.map((one) => [one.clusterName, one])));
  return [
    ...targets.flatMap((target) => target.resources),
    ...[...upstreams.values()].flatMap((upstream) => toCluster(upstream)),
  ];
}

type Target = { readonly resources: readonly EnvoyResource[]; readonly upstreams: readonly Upstream[] };

/** A client names one host, so a domain with a wildcard is nobody's target. */
function toTargets(configuration: Configuration, bind: Bind): readonly Target[] {
  const { namespace, name } = configuration.gateway;
  return hostRoutes(configuration.listenersOf(bind), configuration.httpRoutesOf)
    .filter(({ domain }) => !domain.startsWith('*.'))
    .map((host) =>
      toTarget(configuration, bind, `${host.domain === '*' ? `${name}.${namespace}` : host.domain}:${bind.port}`, host),
    );
}

function toTarget(
  configuration: Configuration,
  bind: Bind,
  name: string,
  { listener, candidates }: HostRoutes,
): Target {
  const served = candidates.flatMap((candidate) => {
    const match = grpcMatch(candidate.match);
    const shares = sharesOf(configuration, listener, candidate, undefined).filter(
      ({ upstream }) => upstream !== undefined,
    );
    return match === undefined || shares.length === 0 ? [] : [{ route: candidate.route, match, shares }];
  });
  const routes = served.map(
    ({ route, match, shares }): MessageInitShape<typeof RouteSchema> => ({
      name: route.key,
      match,
      action: { case: 'route', value: { clusterSpecifier: toClusters(shares) } },
    }),
  );
  const manager = pack(HttpConnectionManagerSchema, {
    routeSpecifier: { case: 'rds', value: { configSource: SAME_STREAM, routeConfigName: name } },
    httpFilters: [ROUTER],
  });
  const message = { name, virtualHosts: [{ name, domains: ['*'], routes }] };
  return {
    resources: [
      encode(ListenerSchema, name, { name, apiListener: { apiListener: manager } }, [resourceName(bind)]),
      encode(
        RouteConfigurationSchema,
        name,
        message,
        served.map(({ route }) => resourceName(route)),
      ),
    ],
    upstreams: served.flatMap(({ shares }) => shares.flatMap(({ upstream }) => upstream ?? [])),
  };
}

/** gRPC knows no prefix of whole path elements, and no method but POST. What can never match is undefined. */
function grpcMatch({ method, ...match }: RouteMatch): ReturnType<typeof toMatch> | undefined {
  if ((method !== undefined && method !== 'POST') || matchFault(match) !== undefined) return undefined;
  const { pathSpecifier } = toMatch(match);
  if (pathSpecifier?.case !== 'pathSeparatedPrefix') return toMatch(match);
  const regex = `${pathSpecifier.value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?:/.*)?`;
  return toMatch({ ...match, path: { type: 'regex', value: regex } });
}

/** Addresses come as endpoints of their own, because gRPC clients know no other way. */
function toCluster({ clusterName: name, backend, sources }: Upstream): readonly EnvoyResource[] {
  const assignment = loadAssignment(name, backend);
  if (!isIpAddress(backend.host)) {
    return [encode(ClusterSchema, name, { name, ...discovery(backend.host), loadAssignment: assignment }, sources)];
  }
  const message: MessageInitShape<typeof ClusterSchema> = {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: SAME_STREAM },
  };
  return [
    encode(ClusterSchema, name, message, sources),
    encode(ClusterLoadAssignmentSchema, name, assignment, sources),
  ];
}
