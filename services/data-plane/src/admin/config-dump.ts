import {
  BACKEND_DEFAULTS,
  type BackendPolicy,
  carriesHttp,
  FRONTEND_DEFAULTS,
  type FrontendPolicy,
  type HttpRoute,
  KEEPALIVE_DEFAULTS,
  type Policy,
  type RouteMatch,
  type TcpKeepalive,
  type TcpRoute,
  type TlsSettings,
} from '@pulseplane/projection/gateway';
import type { BindStatus } from '../listener/bind-manager.ts';
import type { Tables } from '../tables/tables.ts';
import { describeCertificate } from '../tls/certificate.ts';
import { goDuration } from './go-duration.ts';

/** What the dump tells besides the tables. */
export type DumpContext = {
  readonly listenAddress: string;
  readonly binds: readonly BindStatus[];
  readonly version: string;
  readonly config: Readonly<Record<string, unknown>>;
};

/** What the worker holds, in the shape and order of agentgateway's `/config_dump`. */
export function configDump(tables: Tables, context: DumpContext): object {
  return {
    workloads: [],
    services: [],
    binds: tables.binds.map((bind) => {
      const status = context.binds.find((one) => one.bind.key === bind.key);
      return {
        key: bind.key,
        address: address(context.listenAddress, bind.port),
        protocol: bind.protocol,
        tunnelProtocol: 'direct',
        mode: 'standard',
        listeners: dumpListeners(tables, bind.key),
        // Not agentgateway's: there an open port and one that could not be opened look the same.
        ...(status?.state === 'failed' && { error: status.error }),
      };
    }),
    routes: { httpMesh: [], tcpMesh: [], routeGroups: [] },
    policies: tables.policies.map(dumpPolicy),
    backends: [...tables.backends.values()].map(({ name, namespace, host, port, inlinePolicies }) => ({
      backend: { host: { name: { name, namespace }, target: address(host, port) } },
      ...(inlinePolicies.length > 0 && { inlinePolicies: inlinePolicies.map(dumpBackendPolicy) }),
    })),
    models: [],
    version: { version: context.version, nodeVersion: process.version },
    config: context.config,
  };
}

function dumpListeners(tables: Tables, bindKey: string): object {
  const listeners = tables.listenersByBind.get(bindKey) ?? [];
  return Object.fromEntries(
    listeners.map((listener) => [
      listener.key,
      {
        key: listener.key,
        gatewayName: listener.gateway.name,
        gatewayNamespace: listener.gateway.namespace,
        listenerName: listener.listenerName,
        hostname: listener.hostname,
        protocol: listener.protocol.toUpperCase(),
        ...(listener.tls && { tls: { certificates: listener.tls.certificates.map(describeCertificate) } }),
        ...(carriesHttp(listener.protocol)
          ? { routes: byKey(tables.httpRoutesByListener.get(listener.key), dumpHttpRoute) }
          : { tcpRoutes: byKey(tables.tcpRoutesByListener.get(listener.key), dumpTcpRoute) }),
      },
    ]),
  );
}

function byKey<T extends { readonly key: string }>(items: readonly T[] | undefined, dump: (item: T) => object): object {
  return Object.fromEntries((items ?? []).map((item) => [item.key, dump(item)]));
}

function dumpHttpRoute(route: HttpRoute): object {
  return {
    ...dumpTcpRoute(route),
    hostnames: route.hostnames,
    matches: route.matches.map(dumpMatch),
    backends: dumpBackends(route),
  };
}

function dumpTcpRoute(route: HttpRoute | TcpRoute): object {
  const { kind, namespace, name, ruleName } = route.name;
  return {
    key: route.key,
    name,
    namespace,
    ruleName: ruleName ?? null,
    kind,
    ...(route.hostnames.length > 0 && { hostnames: route.hostnames }),
    backends: dumpBackends(route),
  };
}

function dumpBackends(route: HttpRoute | TcpRoute): readonly object[] {
  return route.backends.map(({ backendKey, weight }) => ({ weight, backend: backendKey }));
}

function dumpMatch(match: RouteMatch): object {
  const { type, value } = match.path;
  return {
    headers: match.headers.map((header) => ({ name: header.name, value: { [header.match.type]: header.match.value } })),
    path: { [type === 'prefix' ? 'pathPrefix' : type]: value },
    ...(match.method !== undefined && { method: match.method }),
  };
}

function dumpPolicy(policy: Policy): object {
  const { kind, name, namespace } = policy.name;
  return {
    key: policy.key,
    name: { kind, name, namespace },
    target: dumpTarget(policy.target),
    policy:
      'frontend' in policy
        ? { frontend: dumpFrontend(policy.frontend) }
        : { backend: dumpBackendPolicy(policy.backend) },
  };
}

function dumpTarget(target: Policy['target']): object {
  if ('route' in target) {
    const { name, namespace, ruleName, kind } = target.route;
    return { route: { name, namespace, ...(ruleName !== undefined && { ruleName }), kind } };
  }
  if ('backend' in target) {
    const { name, namespace } = target.backend;
    return { backend: { backend: { name, namespace } } };
  }
  const { gateway } = target;
  return {
    gateway: {
      gatewayName: gateway.name,
      gatewayNamespace: gateway.namespace,
      listenerName: ('listener' in target ? target.listener : undefined) ?? null,
      ...('port' in target && { port: target.port }),
    },
  };
}

function dumpBackendPolicy(policy: BackendPolicy): object {
  if (policy.section === 'tcp') {
    const { connectTimeoutMs = BACKEND_DEFAULTS.connectTimeoutMs, keepalive = {} } = policy;
    return { tcp: { keepalives: dumpKeepalive(keepalive), connectTimeout: goDuration(connectTimeoutMs) } };
  }
  const { version, requestTimeoutMs } = policy;
  return {
    http: {
      version: version === undefined ? null : version.toUpperCase(),
      ...(requestTimeoutMs !== undefined && { requestTimeout: goDuration(requestTimeoutMs) }),
    },
  };
}

function dumpKeepalive(keepalive: TcpKeepalive): object {
  const { timeMs, intervalMs, retries } = { ...KEEPALIVE_DEFAULTS, ...keepalive };
  return { enabled: true, time: goDuration(timeMs), interval: goDuration(intervalMs), retries };
}

/** The odd capitals are agentgateway's before v1.3, and what its tutorials' filters look for. */
function dumpFrontend(frontend: FrontendPolicy): object {
  if (frontend.section === 'tcp') {
    return { tCP: { keepalives: dumpKeepalive(frontend.keepalive) } };
  }
  if (frontend.section === 'tls') return { tLS: dumpTls(frontend.tls) };
  if (frontend.section === 'proxyProtocol') return { proxy: frontend.proxyProtocol };
  const http = { ...FRONTEND_DEFAULTS.http, ...frontend.http };
  return {
    hTTP: {
      maxBufferSize: http.maxBufferSize,
      http1MaxHeaders: http.http1MaxHeaders ?? null,
      http1IdleTimeout: goDuration(http.http1IdleTimeoutMs),
      ...(http.http1HeaderCase !== undefined && { http1HeaderCase: http.http1HeaderCase }),
      http2WindowSize: http.http2WindowSize ?? null,
      http2ConnectionWindowSize: http.http2ConnectionWindowSize ?? null,
      http2FrameSize: http.http2FrameSize ?? null,
      ...(http.http2MaxHeaderSize !== undefined && { http2MaxHeaderSize: http.http2MaxHeaderSize }),
      http2KeepaliveInterval: durationOrNull(http.http2KeepaliveIntervalMs),
      http2KeepaliveTimeout: durationOrNull(frontend.http.http2KeepaliveTimeoutMs),
      ...(http.maxConnectionDurationMs !== undefined && {
        maxConnectionDuration: goDuration(http.maxConnectionDurationMs),
      }),
    },
  };
}

function dumpTls({ handshakeTimeoutMs, ...others }: TlsSettings): object {
  const timeout = handshakeTimeoutMs ?? FRONTEND_DEFAULTS.tls.handshakeTimeoutMs;
  return { handshakeTimeout: goDuration(timeout), ...others };
}

function durationOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : goDuration(ms);
}

function address(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
