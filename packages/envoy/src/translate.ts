import {
  type Bind,
  effectiveFrontend,
  type GatewayName,
  type GatewayResource,
  type Listener,
  type RouteCandidate,
  resourceName,
  type TcpRoute,
  winningPolicies,
} from '@pulseplane/projection/gateway';
import { RouteConfigurationSchema, VirtualHostSchema } from '@pulseplane/wire/envoy';
import type { EnvoyClient } from './client.ts';
import { cluster } from './cluster.ts';
import { type Configuration, layOut } from './configuration.ts';
import { type EnvoyResource, encoded, type Say, withEncoded } from './envoy-resource.ts';
import { httpRoute, longestTimeout, matchFault, sharesOf } from './http-route.ts';
import { httpFilter, listener, tcpFilter } from './listener.ts';
import { nameRoutes } from './server-names.ts';
import { type Upstream, upstreamOf } from './upstream.ts';
import { hostRoutes } from './virtual-hosts.ts';

/** What an Envoy serves a gateway with. */
export type Translated = {
  readonly resources: readonly EnvoyResource[];
  /** What is meant otherwise than Envoy can be told, once for each source. */
  readonly remarks: readonly Remark[];
};

/** `source` is the name of a gateway resource. */
export type Remark = { readonly source: string; readonly message: string };

/**
 * A gateway's configuration as Envoy's Listeners, RouteConfigurations and Clusters: the settings that are in force, as
 * our own workers enforce them. What does not exist for Envoy is said, and the rest is done. Pure: equal input, in any
 * order, gives equal bytes; what has nothing to do with a change keeps its bytes.
 */
export function toEnvoy(gateway: GatewayName, resources: readonly GatewayResource[], client: EnvoyClient): Translated {
  const configuration = layOut(gateway, resources);
  const remarks = new Map<string, Remark>();
  const say: Say = (source, message) => remarks.set(`${source} ${message}`, { source, message });
  const ports = configuration.binds.map((bind) => toPort(configuration, bind, client, say));
  const upstreams = new Map(ports.flatMap((port) => port.upstreams.map((one) => [one.clusterName, one])));
  return {
    resources: [...ports.flatMap((port) => port.resources), ...[...upstreams.values()].map(cluster)],
    remarks: [...remarks.values()],
  };
}

type Port = { readonly resources: readonly EnvoyResource[]; readonly upstreams: readonly Upstream[] };

function toPort(configuration: Configuration, bind: Bind, client: EnvoyClient, say: Say): Port {
  const { tcp, http, proxyProtocol } = winningPolicies(configuration.policies, configuration.gateway, bind.port);
  const frontend = effectiveFrontend(configuration.policies, configuration.gateway, bind.port);
  const sources = [bind, tcp, proxyProtocol].flatMap((one) => (one === undefined ? [] : resourceName(one)));
  const ending = configuration.listenersOf(bind).find(({ tls }) => tls !== undefined);
  if (ending !== undefined) {
    // A part of it would be worse than nothing: bytes of a handshake would go to a backend that expects none.
    say(resourceName(ending), `Envoy is told nothing of TLS that ends here, so it does not open port ${bind.port}`);
    return { resources: [], upstreams: [] };
  }
  if (bind.protocol !== 'http') {
    const ways = bind.protocol === 'tcp' ? [tcpWay(configuration, bind)] : tlsWays(configuration, bind);
    const all = [...sources, ...ways.flatMap(({ route }) => (route === undefined ? [] : resourceName(route)))];
    const chains = ways.map(({ clusters, serverName }) => ({
      filter: tcpFilter(bind, clusters),
      ...(serverName !== undefined && { serverName }),
    }));
    return {
      resources: [listener(bind, chains, frontend, client, all)],
      upstreams: ways.flatMap(({ upstreams }) => upstreams),
    };
  }
  if (http !== undefined) sources.push(resourceName(http));
  const sayOfHttp = (message: string) => {
    if (http !== undefined) say(resourceName(http), message);
  };
  const filter = httpFilter(bind, frontend.http, sayOfHttp);
  const casePolicy = frontend.http.http1HeaderCase === 'preserve' && http ? resourceName(http) : undefined;
  const routes = toRoutes(configuration, bind, casePolicy, say);
  return {
    resources: [listener(bind, [{ filter }], frontend, client, sources), routes.configuration],
    upstreams: routes.upstreams,
  };
}

/** Where the bytes of connections go, by weight. */
type Way = {
  readonly upstreams: readonly Upstream[];
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  readonly route: TcpRoute | undefined;
  readonly serverName?: string;
};

/** The first listener and its first route, because bytes say nothing about where they go. */
function tcpWay(configuration: Configuration, bind: Bind): Way {
  const [on] = configuration.listenersOf(bind).filter(({ protocol }) => protocol === 'tcp');
  const [route] = on === undefined ? [] : configuration.tcpRoutesOf(on);
  return way(configuration, `tcp/${on?.key ?? bind.key}`, on, route);
}

/** One for each server name that a listener or a route has. */
function tlsWays(configuration: Configuration, bind: Bind): readonly Way[] {
  return nameRoutes(configuration.listenersOf(bind), configuration.tcpRoutesOf).map(
    ({ domain: serverName, listener: on, route }) => ({
      ...way(configuration, `tls/${on.key}/${serverName}`, on, route),
      serverName,
    }),
  );
}

/** Without a route, or a share of it, to a cluster that does not exist: such a connection is closed. */
function way(configuration: Configuration, place: string, on: Listener | undefined, route: TcpRoute | undefined): Way {
  const name = (index: number): string => `${place}/${index}`;
  const shares = route?.backends.filter(({ weight }) => weight > 0) ?? [];
  const upstreams = shares.flatMap(({ backendKey }, index) => {
    const front = { protocol: 'tcp', clusterName: name(index) } as const;
    return (on && route && upstreamOf(configuration, on, route, backendKey, front)) ?? [];
  });
  const clusters = shares.map(({ weight }, index) => ({ name: name(index), weight }));
  return { upstreams, clusters: clusters.length === 0 ? [{ name: name(0), weight: 1 }] : clusters, route };
}

/** A port's routes: there are always some, even none, because a Listener waits for them. */
function toRoutes(configuration: Configuration, bind: Bind, casePolicy: string | undefined, say: Say) {
  const upstreams: Upstream[] = [];
  const listeners = configuration.listenersOf(bind);
  const sources = [bind, ...listeners].map(resourceName);
  const toRoute = (on: Listener, candidate: RouteCandidate) => {
    const { route, match } = candidate;
    const source = resourceName(route);
    sources.push(source);
    const fault = matchFault(match);
    if (fault !== undefined) {
      say(source, `Envoy matches with RE2, which does not take the expression, so this match is left out: ${fault}`);
      return [];
    }
    const shares = sharesOf(configuration, on, candidate, casePolicy);
    if (new Set(shares.map(({ upstream }) => upstream?.settings.http.requestTimeoutMs)).size > 1) {
      const longest = longestTimeout(shares);
      const effect = longest === undefined ? 'there is none' : `it is ${longest} ms`;
      say(source, `Envoy has one request timeout for all backends of a rule: ${effect} there`);
    }
    upstreams.push(...shares.flatMap(({ upstream }) => upstream ?? []));
    sources.push(...shares.flatMap(({ upstream }) => upstream?.routeSources ?? []));
    return [httpRoute(candidate, shares)];
  };
  const virtualHosts = hostRoutes(listeners, configuration.httpRoutesOf).map(({ domain, listener: on, candidates }) => {
    const routes = candidates.flatMap((candidate) => toRoute(on, candidate));
    return withEncoded(VirtualHostSchema, { name: domain, domains: [domain] }, 'routes', routes);
  });
  const head = { name: bind.key, ignorePortInHostMatching: true };
  const value = withEncoded(RouteConfigurationSchema, head, 'virtualHosts', virtualHosts);
  return { configuration: encoded(RouteConfigurationSchema, bind.key, value, sources), upstreams };
}
