import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterSchema,
  type Http1ProtocolOptionsSchema,
  HttpProtocolOptionsSchema,
  PreserveCaseFormatterConfigSchema,
} from '@pulseplane/wire/envoy';
import { isIpAddress, loadAssignment } from './address.ts';
import { duration, type EnvoyResource, encode, pack } from './envoy-resource.ts';
import { tcpKeepalive } from './tcp-keepalive.ts';
import type { Upstream } from './upstream.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** As long as our own workers keep an idle connection to a backend; Envoy's hour outlives most servers' patience. */
const IDLE_MS = { http1: 4_000, http2: 90_000 } as const;

/** The endpoint is within: a cluster of its own service (EDS) would wait for it anew at each change of the settings. */
export function cluster({ clusterName, backend, settings, sources, ...upstream }: Upstream): EnvoyResource {
  const { tcp } = settings;
  return encode(
    ClusterSchema,
    clusterName,
    {
      name: clusterName,
      ...discovery(backend.host),
      loadAssignment: loadAssignment(clusterName, backend),
      connectTimeout: duration(tcp.connectTimeoutMs),
      upstreamConnectionOptions: { tcpKeepalive: tcpKeepalive(tcp) },
      ...(upstream.protocol === 'http' && {
        typedExtensionProtocolOptions: { [HTTP_OPTIONS]: httpOptions(settings.http.version, upstream.preserveCase) },
      }),
    },
    sources,
  );
}

/** A host name is asked for when it is needed, and all of its addresses are tried, as our own workers do. */
export function discovery(
  host: string,
): Pick<MessageInitShape<typeof ClusterSchema>, 'clusterDiscoveryType' | 'dnsLookupFamily'> {
  return isIpAddress(host)
    ? { clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC } }
    : {
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.LOGICAL_DNS },
        dnsLookupFamily: Cluster_DnsLookupFamily.ALL,
      };
}

function httpOptions(version: 'http1' | 'http2', preserveCase: boolean) {
  return pack(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: { idleTimeout: duration(IDLE_MS[version]) },
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: {
        protocolConfig:
          version === 'http2'
            ? { case: 'http2ProtocolOptions', value: {} }
            : { case: 'httpProtocolOptions', value: http1Options(preserveCase) },
      },
    },
  });
}

/** Both sides of a proxied connection need it. */
export function http1Options(preserveCase: boolean): MessageInitShape<typeof Http1ProtocolOptionsSchema> {
  if (!preserveCase) return {};
  const value = {
    name: 'envoy.http.stateful_header_formatters.preserve_case',
    typedConfig: pack(PreserveCaseFormatterConfigSchema, {}),
  };
  return { headerKeyFormat: { headerFormat: { case: 'statefulFormatter', value } } };
}
