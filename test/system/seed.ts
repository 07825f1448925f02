import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the gateway listens, and where it leads. */
export type Places = {
  readonly backend: { readonly raw: number; readonly http: number };
  readonly tcp: number;
  readonly http: number;
};

const NAMESPACE = 'bench';

/** What the objects of the seed are called. */
export const SEED = {
  gateway: `${NAMESPACE}/gateway`,
  policies: `/apis/agentgateway.dev/v1alpha1/namespaces/${NAMESPACE}/agentgatewaypolicies`,
  policy: 'keepalive',
} as const;

/** Writes what a control plane starts with, and gives the file. */
export function writeSeed(directory: string, places: Places): string {
  const file = join(directory, 'seed.yaml');
  writeFileSync(
    file,
    manifests(places)
      .map((one) => JSON.stringify(one))
      .join('\n---\n'),
  );
  return file;
}

/** A port for TCP and one for HTTP, under one policy each for TCP keepalive and for PINGs each 5 s. */
function manifests({ backend, tcp, http }: Places): readonly object[] {
  const gatewayApi = { apiVersion: 'gateway.networking.k8s.io/v1' };
  const agentgateway = { apiVersion: 'agentgateway.dev/v1alpha1' };
  const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gateway' };
  const metadata = (name: string) => ({ name, namespace: NAMESPACE });
  const backendOf = (name: 'raw' | 'http') => ({
    ...agentgateway,
    kind: 'AgentgatewayBackend',
    metadata: metadata(name),
    spec: { static: { host: '127.0.0.1', port: backend[name] } },
  });
  const to = (name: string) => [{ backendRefs: [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name }] }];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    {
      ...gatewayApi,
      kind: 'GatewayClass',
      metadata: { name: 'agentgateway' },
      spec: { controllerName: 'agentgateway.dev/agentgateway' },
    },
    {
      ...gatewayApi,
      kind: 'Gateway',
      metadata: metadata('gateway'),
      spec: {
        gatewayClassName: 'agentgateway',
        listeners: [
          { name: 'http', protocol: 'HTTP', port: http },
          { name: 'tcp', protocol: 'TCP', port: tcp },
        ],
      },
    },
    backendOf('raw'),
    backendOf('http'),
    {
      ...gatewayApi,
      kind: 'HTTPRoute',
      metadata: metadata('http'),
      spec: { parentRefs: [{ name: 'gateway', sectionName: 'http' }], rules: to('http') },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1alpha2',
      kind: 'TCPRoute',
      metadata: metadata('tcp'),
      spec: { parentRefs: [{ name: 'gateway', sectionName: 'tcp' }], rules: to('raw') },
    },
    {
      ...agentgateway,
      kind: 'AgentgatewayPolicy',
      metadata: metadata(SEED.policy),
      spec: {
        targetRefs: [gateway],
        frontend: {
          tcp: { keepalive: { time: '30s', interval: '5s', retries: 3 } },
          http: { http2KeepaliveInterval: '5s', http2KeepaliveTimeout: '3s' },
        },
      },
    },
  ];
}
