/** The smallest and the largest number of seconds that something may be set to. */
export type Range = readonly [least: number, most: number];

/** What may be at the other end of a hop, or on it, with the numbers that matter to keepalive. Times are in seconds. */
export type Environment = {
  /** As annotations name it. */
  readonly name: string;
  readonly text: string;
  /** Where the numbers are from. */
  readonly source: string;
} & (Middlebox | HttpProxy | PingPolice | AppServer);

/** Forwards TCP connections, and forgets or closes those that are silent for too long. Probes and PINGs count as traffic. */
type Middlebox = { readonly kind: 'middlebox' } & Idle & {
    /** It ends TCP connections itself, so that only their data counts: a PING, but no TCP keepalive probe. */
    readonly dataOnly?: true;
  };

/** Speaks HTTP to the gateway and reuses idle connections for so long. TCP keepalive probes end at its socket. */
type HttpProxy = { readonly kind: 'http-proxy' } & Idle & {
    /** Its documentation says that HTTP/2 PINGs do not count as use. */
    readonly ignoresPings?: true;
  };

/** Closes HTTP/2 connections on which PINGs come faster. */
type PingPolice = {
  readonly kind: 'ping-police';
  readonly minPingSeconds: number;
  /** How many PINGs may come too early; one more and it closes. */
  readonly maxStrikes?: number;
  readonly settable?: Range;
};

/** A backend, which closes HTTP/1 connections that are idle for so long. */
type AppServer = { readonly kind: 'app-server' } & Idle;

/** `settable` is absent where the time is fixed. */
type Idle = { readonly idleSeconds: number; readonly settable?: Range };

/** A range for what has no documented limits. */
const ANY: Range = [1, 2_147_483];
const AWS = 'https://docs.aws.amazon.com/elasticloadbalancing/latest';

export const ENVIRONMENTS: readonly Environment[] = [
  {
    name: 'aws-nlb',
    text: 'AWS Network Load Balancer, TCP listener',
    kind: 'middlebox',
    idleSeconds: 350,
    settable: [60, 6_000],
    source: `${AWS}/network/update-idle-timeout.html`,
  },
  {
    name: 'aws-nlb-tls',
    text: 'AWS Network Load Balancer, TLS listener',
    kind: 'middlebox',
    idleSeconds: 350,
    source: `${AWS}/network/update-idle-timeout.html`,
  },
  {
    name: 'aws-network-firewall',
    text: 'AWS Network Firewall',
    kind: 'middlebox',
    idleSeconds: 350,
    settable: [60, 6_000],
    source: 'https://docs.aws.amazon.com/network-firewall/latest/APIReference/API_FlowTimeouts.html',
  },
  {
    name: 'aws-nat-gateway',
    text: 'AWS NAT gateway',
    kind: 'middlebox',
    idleSeconds: 350,
    source: 'https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html',
  },
  {
    name: 'azure-lb',
    text: 'Azure Load Balancer',
    kind: 'middlebox',
    idleSeconds: 240,
    settable: [240, 6_000],
    source:
      'https://github.com/MicrosoftDocs/azure-docs/blob/main/articles/load-balancer/load-balancer-tcp-idle-timeout.md',
  },
  {
    name: 'aks-outbound',
    text: 'AKS, outbound through its load balancer',
    kind: 'middlebox',
    idleSeconds: 1_800,
    settable: [240, 7_200],
    source:
      'https://learn.microsoft.com/en-us/dotnet/api/microsoft.azure.powershell.cmdlets.aks.models.api20230201.imanagedclusterloadbalancerprofile.idletimeoutinminute',
  },
  {
    name: 'gcp-vpc',
    text: 'Google Cloud, connection tracking of a VPC network',
    kind: 'middlebox',
    idleSeconds: 600,
    source: 'https://cloud.google.com/compute/docs/troubleshooting',
  },
  {
    name: 'gcp-cloud-nat',
    text: 'Google Cloud NAT, established connections',
    kind: 'middlebox',
    idleSeconds: 1_200,
    settable: ANY,
    source:
      'https://oneuptime.com/blog/post/2026-02-17-how-to-configure-cloud-nat-timeout-values-for-long-lived-tcp-connections-in-gcp/view',
  },
  {
    name: 'ibm-vpc-gateway',
    text: 'IBM Cloud VPC, public gateway',
    kind: 'middlebox',
    idleSeconds: 240,
    source:
      'https://www.ibm.com/blog/troubleshooting-outgoing-connection-issues-with-ibm-vpc-public-and-service-gateways/',
  },
  {
    name: 'kube-proxy-ipvs',
    text: 'kube-proxy in IPVS mode',
    kind: 'middlebox',
    idleSeconds: 900,
    settable: ANY,
    source: 'https://github.com/easzlab/kubeasz/pull/688',
  },
  {
    name: 'linux-conntrack',
    text: 'Connection tracking of a Linux firewall',
    kind: 'middlebox',
    idleSeconds: 432_000,
    settable: ANY,
    source: 'https://github.com/torvalds/linux/blob/master/Documentation/networking/nf_conntrack-sysctl.rst',
  },
  {
    name: 'nginx-stream',
    text: 'nginx as a TCP proxy (proxy_timeout)',
    kind: 'middlebox',
    dataOnly: true,
    idleSeconds: 600,
    settable: ANY,
    source: 'https://github.com/hashicorp/boundary/issues/3133',
  },
  {
    name: 'aws-alb',
    text: 'AWS Application Load Balancer',
    kind: 'http-proxy',
    ignoresPings: true,
    idleSeconds: 60,
    settable: [1, 4_000],
    source: `${AWS}/application/edit-load-balancer-attributes.html`,
  },
  {
    name: 'aws-classic-lb',
    text: 'AWS Classic Load Balancer, HTTP listener',
    kind: 'http-proxy',
    idleSeconds: 60,
    settable: [1, 3_600],
    source: `${AWS}/classic/config-idle-timeout.html`,
  },
  {
    name: 'gcp-alb',
    text: 'Google Cloud external Application Load Balancer',
    kind: 'http-proxy',
    idleSeconds: 600,
    source: 'https://cloud.google.com/load-balancing/docs/https/request-distribution',
  },
  {
    name: 'envoy',
    text: 'Envoy or Istio',
    kind: 'http-proxy',
    ignoresPings: true,
    idleSeconds: 3_600,
    settable: ANY,
    source: 'https://github.com/envoyproxy/envoy/blob/main/docs/root/faq/configuration/timeouts.rst',
  },
  {
    name: 'nginx',
    text: 'nginx as an HTTP proxy (keepalive_timeout of its upstreams)',
    kind: 'http-proxy',
    idleSeconds: 60,
    settable: ANY,
    source: 'https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive_timeout',
  },
  {
    name: 'traefik',
    text: 'Traefik',
    kind: 'http-proxy',
    idleSeconds: 90,
    settable: ANY,
    source:
      'https://github.com/traefik/traefik/blob/0075dfd171717b9b0cdbae3c59c4acf652fb5963/docs/content/reference/static-configuration/cli-ref.md',
  },
  {
    name: 'cloudflared',
    text: 'Cloudflare Tunnel',
    kind: 'http-proxy',
    idleSeconds: 90,
    settable: ANY,
    source: 'https://github.com/avibe-bot/avibe/pull/1815',
  },
  {
    name: 'heroku-router',
    text: 'Heroku router 2.0',
    kind: 'http-proxy',
    idleSeconds: 90,
    source: 'https://github.com/heroku/python-getting-started/pull/261',
  },
  {
    name: 'grpc-core',
    text: 'A peer that polices PINGs as gRPC servers do',
    kind: 'ping-police',
    minPingSeconds: 300,
    maxStrikes: 2,
    settable: ANY,
    source: 'https://github.com/grpc/grpc/blob/master/doc/keepalive.md',
  },
  {
    name: 'etcd',
    text: 'An etcd server',
    kind: 'ping-police',
    minPingSeconds: 5,
    settable: ANY,
    source: 'https://github.com/grpc/grpc-node/issues/1593',
  },
  {
    name: 'google-frontend',
    text: "Google's front ends",
    kind: 'ping-police',
    minPingSeconds: 30,
    source: 'https://github.com/googleapis/java-bigtable-hbase/issues/2682',
  },
  {
    name: 'node-http',
    text: "Node's http server (keepAliveTimeout)",
    kind: 'app-server',
    idleSeconds: 5,
    settable: ANY,
    source: 'https://nodejs.org/api/http.html#serverkeepalivetimeout',
  },
  {
    name: 'uvicorn',
    text: 'Uvicorn (--timeout-keep-alive)',
    kind: 'app-server',
    idleSeconds: 5,
    settable: ANY,
    source: 'https://github.com/kserve/kserve/issues/5446',
  },
  {
    name: 'gunicorn',
    text: 'Gunicorn (--keep-alive)',
    kind: 'app-server',
    idleSeconds: 2,
    settable: ANY,
    source: 'https://github.com/alphagov/notifications-admin/pull/4826',
  },
  {
    name: 'bun',
    text: "Bun's server (idleTimeout)",
    kind: 'app-server',
    idleSeconds: 10,
    settable: ANY,
    source: 'https://github.com/Soul-Brews-Studio/maw-js/issues/2658',
  },
  {
    name: 'tomcat',
    text: 'Tomcat (keepAliveTimeout)',
    kind: 'app-server',
    idleSeconds: 20,
    settable: ANY,
    source: 'https://github.com/envoyproxy/envoy/issues/30918',
  },
];

/** The environment of a name. */
export function findEnvironment(name: string): Environment | undefined {
  return BY_NAME.get(name);
}

const BY_NAME: ReadonlyMap<string, Environment> = new Map(ENVIRONMENTS.map((one) => [one.name, one]));
