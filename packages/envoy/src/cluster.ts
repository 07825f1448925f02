import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Backend } from '@pulseplane/projection/gateway';
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterSchema,
  type Http1ProtocolOptionsSchema,
  HttpProtocolOptionsSchema,
  PreserveCaseFormatterConfigSchema,
} from '@pulseplane/wire/envoy';
import { isIpAddress, loadAssignment } from './address.ts';
import { EncodedOnce } from './encoded-once.ts';
import { duration, type EnvoyResource, encoded, pack } from './envoy-resource.ts';
import { tcpKeepalive } from './tcp-keepalive.ts';
import type { Upstream } from './upstream.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** As long as our own workers keep an idle connection to a backend; Envoy's hour outlives most servers' patience. */
const IDLE_MS = { http1: 4_000, http2: 90_000 } as const;

const CLUSTERS = new EncodedOnce<Backend>();

/** The endpoint is within: a cluster of its own service (EDS) would wait for it anew at each change of the settings. */
export function cluster(upstream: Upstream): EnvoyResource {
  const { clusterName, backend, settings, protocol, preserveCase, sources } = upstream;
  const facts = JSON.stringify([clusterName, settings, protocol, preserveCase]);
  const value = CLUSTERS.of(backend, facts, () => toBinary(ClusterSchema, create(ClusterSchema, toMessage(upstream))));
  return encoded(ClusterSchema, clusterName, value, sources);
}

function toMessage({
  clusterName,
  backend,
  settings,
  protocol,
  preserveCase,
}: Upstream): MessageInitShape<typeof ClusterSchema> {
  const { tcp, http } = settings;
  return {
    name: clusterName,
    ...discovery(backend.host),
    loadAssignment: loadAssignment(clusterName, backend),
    connectTimeout: duration(tcp.connectTimeoutMs),
    upstreamConnectionOptions: { tcpKeepalive: tcpKeepalive(tcp) },
    ...(protocol === 'http' && {
      typedExtensionProtocolOptions: { [HTTP_OPTIONS]: httpOptions(http.version, preserveCase) },
    }),
  };
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
