import {
  type Bind,
  effectiveFrontend,
  type GatewayName,
  type GatewayResource,
  type Listener,
  type RouteCandidate,
  resourceName,
  winningPolicies,
} from '@pulseplane/projection/gateway';
import { RouteConfigurationSchema, VirtualHostSchema } from '@pulseplane/wire/envoy';
import type { EnvoyClient } from './client.ts';
import { cluster } from './cluster.ts';
import { type Configuration, layOut } from './configuration.ts';
import { type EnvoyResource, encoded, type Say, withEncoded } from './envoy-resource.ts';
import { httpRoute, longestTimeout, matchFault, sharesOf } from './http-route.ts';
import { httpFilter, listener, tcpFilter } from './listener.ts';
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
  if (bind.protocol === 'tls' || proxyProtocol !== undefined) {
    // Half of it would be worse than nothing: bytes of a header or a handshake in the wrong place.
    const [what, about] = proxyProtocol === undefined ? ['TLS', bind] : ['the PROXY protocol', proxyProtocol];
    say(resourceName(about), `Envoy is told nothing of ${what} here, so it does not open port ${bind.port}`);
    return { resources: [], upstreams: [] };
  }
  const sources = [bind, ...(tcp === undefined ? [] : [tcp])].map(resourceName);
  if (bind.protocol === 'tcp') {
    const { upstreams, clusters, route } = tcpUpstreams(configuration, bind);
    const all = route === undefined ? sources : [...sources, resourceName(route)];
    return { resources: [listener(bind, tcpFilter(bind, clusters), frontend.tcp, client, all)], upstreams };
  }
  if (http !== undefined) sources.push(resourceName(http));
  const sayOfHttp = (message: string) => {
    if (http !== undefined) say(resourceName(http), message);
  };
  const filter = httpFilter(bind, frontend.http, sayOfHttp);
  const casePolicy = frontend.http.http1HeaderCase === 'preserve' && http ? resourceName(http) : undefined;
  const routes = toRoutes(configuration, bind, casePolicy, say);
  return {
    resources: [listener(bind, filter, frontend.tcp, client, sources), routes.configuration],
    upstreams: routes.upstreams,
  };
}

/** The first listener and its first route, because bytes say nothing about where they go. */
function tcpUpstreams(configuration: Configuration, bind: Bind) {
  const [on] = configuration.listenersOf(bind).filter(({ protocol }) => protocol === 'tcp');
  const [route] = on === undefined ? [] : configuration.tcpRoutesOf(on);
  const name = (index: number): string => `tcp/${on?.key ?? bind.key}/${index}`;
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
