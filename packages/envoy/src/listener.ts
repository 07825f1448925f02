import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Bind, EffectiveFrontend, EffectiveHttp } from '@pulseplane/projection/gateway';
import {
  type CommonHttpProtocolOptionsSchema,
  type Http2ProtocolOptionsSchema,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  ListenerSchema,
  ProxyProtocolConfig_Version,
  ProxyProtocolSchema,
  RouterSchema,
  TcpProxySchema,
  TlsInspectorSchema,
} from '@pulseplane/wire/envoy';
import { SAME_STREAM, socketAddress } from './address.ts';
import type { EnvoyClient } from './client.ts';
import { http1Options } from './cluster.ts';
import { duration, type EnvoyResource, encode, pack } from './envoy-resource.ts';
import { keepaliveSocketOptions, tcpKeepalive } from './tcp-keepalive.ts';

const HTTP_CONNECTION_MANAGER = 'envoy.filters.network.http_connection_manager';

/** What handles the connections of a port, or of one server name of it. */
export type FilterChain = {
  readonly filter: { readonly name: string; readonly typedConfig: Any };
  /** Of TLS only; `*.` before a name is any depth beneath it, `*` every other name, and none. */
  readonly serverName?: string;
};

/**
 * A port. Nothing of routes is in it, nor of who set what when: any byte that changes makes Envoy close what is open on
 * the port at its drain time.
 */
export function listener(
  bind: Bind,
  chains: readonly FilterChain[],
  { tcp, proxyProtocol }: EffectiveFrontend,
  { listenAddress, listenerKeepalive }: EnvoyClient,
  sources: readonly string[],
): EnvoyResource {
  const { key: name, port } = bind;
  return encode(
    ListenerSchema,
    name,
    {
      name,
      address: socketAddress(listenAddress, port),
      filterChains: chains.map(({ filter, serverName }) => ({
        ...(serverName !== undefined && {
          filterChainMatch: { transportProtocol: 'tls', ...(serverName !== '*' && { serverNames: [serverName] }) },
        }),
        filters: [extension(filter.name, filter.typedConfig)],
      })),
      ...firstBytes(bind, proxyProtocol),
      ...(tcp !== undefined &&
        (listenerKeepalive === 'field'
          ? { tcpKeepalive: tcpKeepalive(tcp) }
          : { socketOptions: keepaliveSocketOptions(tcp) })),
    },
    sources,
  );
}

/** How long our own workers wait for a PROXY header and for a ClientHello. */
const WAIT_MS = { proxyHeader: 5_000, clientHello: 10_000 } as const;

const DISALLOWED = {
  v1: [ProxyProtocolConfig_Version.V2],
  v2: [ProxyProtocolConfig_Version.V1],
  all: [],
} as const;

/** What is read before the protocol of a port begins. */
function firstBytes({ protocol }: Bind, proxyProtocol: EffectiveFrontend['proxyProtocol']) {
  const isTls = protocol === 'tls';
  if (!isTls && proxyProtocol === undefined) return {};
  const isOptional = proxyProtocol?.mode === 'optional';
  const header =
    proxyProtocol &&
    pack(ProxyProtocolSchema, {
      allowRequestsWithoutProxyProtocol: isOptional,
      disallowedVersions: [...DISALLOWED[proxyProtocol.version]],
    });
  return {
    listenerFilters: [
      ...(header ? [extension('envoy.filters.listener.proxy_protocol', header)] : []),
      ...(isTls ? [extension('envoy.filters.listener.tls_inspector', pack(TlsInspectorSchema, {}))] : []),
    ],
    listenerFiltersTimeout: duration((header ? WAIT_MS.proxyHeader : 0) + (isTls ? WAIT_MS.clientHello : 0)),
    // Who says nothing has no header.
    continueOnListenerFiltersTimeout: isOptional,
  };
}

function extension(name: string, value: Any) {
  return { name, configType: { case: 'typedConfig' as const, value } };
}

/** HTTP on a port, with routes of the port's name. */
export function httpFilter({ key, port }: Bind, http: EffectiveHttp, say: (message: string) => void) {
  const { maxConnectionDurationMs, http1MaxHeaders, http1IdleTimeoutMs, http2MaxHeaderSize } = http;
  if (http.http2FrameSize !== undefined) say('http2FrameSize cannot be set in Envoy: frames have 16384 bytes at most');
  const common: MessageInitShape<typeof CommonHttpProtocolOptionsSchema> = {
    idleTimeout: duration(http1IdleTimeoutMs),
    ...(http1MaxHeaders !== undefined && { maxHeadersCount: http1MaxHeaders }),
    ...(maxConnectionDurationMs !== undefined && { maxConnectionDuration: duration(maxConnectionDurationMs) }),
  };
  const http2 = http2Options(http, say);
  const typedConfig = pack(HttpConnectionManagerSchema, {
    statPrefix: `port_${port}`,
    routeSpecifier: { case: 'rds', value: { configSource: SAME_STREAM, routeConfigName: key } },
    httpFilters: [ROUTER],
    commonHttpProtocolOptions: common,
    ...(http.http1HeaderCase === 'preserve' && { httpProtocolOptions: http1Options(true) }),
    ...(Object.keys(http2).length > 0 && { http2ProtocolOptions: http2 }),
    ...(http2MaxHeaderSize !== undefined && { maxRequestHeadersKb: kibibytes(http2MaxHeaderSize, say) }),
    // A request's head may take as long as the wait for it; a silent stream may stay, as with our own workers.
    requestHeadersTimeout: duration(http1IdleTimeoutMs),
    streamIdleTimeout: duration(0),
    useRemoteAddress: true,
    generateRequestId: false,
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    stripTrailingHostDot: true,
  });
  return { name: HTTP_CONNECTION_MANAGER, typedConfig };
}

/** Where the bytes of a port go: to one cluster, or by weight. A cluster that does not exist ends the connection. */
export function tcpFilter({ port }: Bind, clusters: readonly { readonly name: string; readonly weight: number }[]) {
  const [only, ...others] = clusters;
  const typedConfig = pack(TcpProxySchema, {
    statPrefix: `port_${port}`,
    clusterSpecifier:
      only !== undefined && others.length === 0
        ? { case: 'cluster', value: only.name }
        : { case: 'weightedClusters', value: { clusters: [...clusters] } },
    // Keepalive probes do not count as use, so Envoy's hour would end what they keep.
    idleTimeout: duration(0),
  });
  return { name: 'envoy.filters.network.tcp_proxy', typedConfig };
}

/** The last filter of every HTTP connection manager. */
export const ROUTER = extension('envoy.filters.http.router', pack(RouterSchema, { suppressEnvoyHeaders: true }));

/** Envoy's limits of a window, in bytes. */
const WINDOW = { least: 65_535, most: 2_147_483_647 } as const;

function http2Options(http: EffectiveHttp, say: (message: string) => void) {
  const { http2WindowSize, http2ConnectionWindowSize, http2KeepaliveIntervalMs, http2KeepaliveTimeoutMs } = http;
  const options: MessageInitShape<typeof Http2ProtocolOptionsSchema> = {
    ...(http2WindowSize !== undefined && {
      initialStreamWindowSize: windowSize('http2WindowSize', http2WindowSize, say),
    }),
    ...(http2ConnectionWindowSize !== undefined && {
      initialConnectionWindowSize: windowSize('http2ConnectionWindowSize', http2ConnectionWindowSize, say),
    }),
    ...(http2KeepaliveIntervalMs !== undefined && {
      connectionKeepalive: { interval: duration(http2KeepaliveIntervalMs), timeout: duration(http2KeepaliveTimeoutMs) },
    }),
  };
  return options;
}

function windowSize(field: string, bytes: number, say: (message: string) => void): number {
  const { least, most } = WINDOW;
  const possible = Math.min(Math.max(bytes, least), most);
  if (possible !== bytes) say(`${field} ${bytes} is not in Envoy's ${least}..${most}: it is ${possible} there`);
  return possible;
}

/** Envoy's limit of a request's head, in KiB. */
const MOST_HEADERS_KB = 8_192;

function kibibytes(bytes: number, say: (message: string) => void): number {
  const possible = Math.min(Math.max(Math.ceil(bytes / 1024), 1), MOST_HEADERS_KB);
  if (possible * 1024 !== bytes) {
    say(
      `http2MaxHeaderSize ${bytes} is not in Envoy's 1..${MOST_HEADERS_KB} KiB, whole ones: it is ${possible} KiB there`,
    );
  }
  return possible;
}
