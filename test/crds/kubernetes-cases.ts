import { apiVersionOf, type Json, type JsonObject, RESOURCE_KINDS, type ResourceKind } from '@pulseplane/resources';

/** Objects of which a real API server with our CustomResourceDefinitions was asked what it thinks. */
export type KubernetesCase = {
  readonly name: string;
  readonly kind: ResourceKind;
  /** The path that the object is posted to. */
  readonly collection: string;
  readonly object: JsonObject;
};

const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'g' };
const backend = { group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'b' };
const keepalive = (value: Json): Json => ({ targetRefs: [gateway], frontend: { tcp: { keepalive: value } } });
const http = (value: Json): Json => ({ targetRefs: [gateway], frontend: { http: value } });
const targets = (...targetRefs: Json[]): Json => ({ targetRefs, frontend: { tcp: { keepalive: {} } } });
const selectors = (...targetSelectors: Json[]): Json => ({ targetSelectors, frontend: { tcp: { keepalive: {} } } });
const selector = { group: gateway.group, kind: 'Gateway', matchLabels: { a: 'b' } };
const listener = { name: 'http', port: 80, protocol: 'HTTP' };
const listeners = (...items: Json[]): Json => ({ gatewayClassName: 'a', listeners: items });
const rule = (value: JsonObject): Json => ({ rules: [{ backendRefs: [backend], ...value }] });
const path = (type: string, value: string): Json => rule({ matches: [{ path: { type, value } }] });
const parents = (...parentRefs: Json[]): Json => ({ parentRefs });

const SPECS: { readonly [kind: string]: readonly Json[] } = {
  AgentgatewayPolicy: [
    ...[{}, { retries: 3, time: '30s', interval: '5s' }, { retries: 3.5 }, { retries: '3' }, { retries: null }].map(
      keepalive,
    ),
    ...[{ retries: 0 }, { retries: 65 }, { retries: true }, { retrys: 3 }].map(keepalive),
    ...['500ms', '0s', '1d', '1.5s', '1500ms', '2000ms', '32767s', '32768s', '10h', '99999h', '', '-1s', '1s 1s'].map(
      (time) => keepalive({ time }),
    ),
    ...['1h1m1s1ms', '1s1s1s1s1s', '123456s', '1'.repeat(40), 'é'.repeat(33), '1us', '1S', '9h6m7s'].map((time) =>
      keepalive({ time }),
    ),
    keepalive({ retries: 0, time: '500ms', interval: '10h' }),
    keepalive({ time: 30 }),
    keepalive([]),
    ...[
      0,
      1,
      -1,
      4_294_967_295,
      4_294_967_296,
      '0',
      '-5',
      '+5',
      '16Ki',
      '4Gi',
      '1.5Ki',
      '.5k',
      '5.',
      '100m',
      '1n',
      '1e3',
      '1E3',
      '1E',
    ].map((maxBufferSize) => http({ maxBufferSize })),
    ...['big', '', '1 Ki', '1KB', '1ki', true, 1.5, '1e-3', '1'.repeat(33)].map((maxBufferSize) =>
      http({ maxBufferSize }),
    ),
    ...[16_383, 16_384, '15Ki', '16Mi', '16777215', '16777216'].map((http2FrameSize) => http({ http2FrameSize })),
    http({ http2WindowSize: '2Gi' }),
    http({ http1HeaderCase: 'preserve' }),
    http({ http1MaxHeaders: 4097 }),
    http({ http1IdleTimeout: '999ms', maxConnectionDuration: '1d' }),
    http({}),
    { targetRefs: [gateway], frontend: {} },
    { targetRefs: [gateway], frontend: { tcp: {} } },
    { targetRefs: [gateway] },
    { targetRefs: [gateway], traffic: {} },
    { targetRefs: [gateway], frontend: { accessLog: {} } },
    { targetRefs: [gateway], frontend: { tls: { handshakeTimeout: '1s' } } },
    { targetRefs: [gateway], frontend: { tls: { minProtocolVersion: '1.3', maxProtocolVersion: '1.2' } } },
    { targetRefs: [gateway], frontend: { tls: { handshakeTimeout: '99ms', keyExchangeGroups: ['X25519_MLKEM768'] } } },
    { targetRefs: [gateway], backend: { tcp: { connectTimeout: '1s' } } },
    { targetRefs: [gateway], backend: {} },
    { targetRefs: [gateway], backend: { tcp: {}, http: {} } },
    { targetRefs: [gateway], backend: { tcp: { connectTimeout: '99ms', keepalive: { time: '10h', retries: 65 } } } },
    { targetRefs: [gateway], backend: { http: { version: 'HTTP3', requestTimeout: '0ms' } } },
    { targetRefs: [gateway], backend: { http: { requestTimeout: '0ms' } } },
    { targetRefs: [gateway], backend: { tcp: {}, tls: { sni: '*.a' }, auth: {} } },
    { targetRefs: [gateway], frontend: { tcp: { keepalive: {} } }, backend: { tcp: {} } },
    { targetRefs: [{ ...gateway, port: 80 }], backend: { tcp: {} } },
    { targetRefs: [{ ...gateway, sectionName: 'http' }], backend: { tcp: {} } },
    { targetRefs: [{ ...gateway, kind: 'HTTPRoute', sectionName: 'rule' }], backend: { http: {} } },
    { targetRefs: [backend], backend: { http: { version: 'HTTP2' } } },
    { targetSelectors: [{ ...selector, kind: 'HTTPRoute' }], backend: { tcp: {} } },
    ...['GRPCRoute', 'ListenerSet'].map((kind) => ({ targetRefs: [{ ...gateway, kind }], backend: { tcp: {} } })),
    { targetSelectors: [{ ...selector, kind: 'ListenerSet' }], backend: { tcp: {} } },
    {
      targetRefs: [{ group: 'inference.networking.k8s.io', kind: 'InferencePool', name: 'p' }],
      backend: { tcp: {} },
    },
    { targetRefs: [{ group: '', kind: 'Service', name: 's' }], backend: { mcp: {} } },
    { targetRefs: [{ group: '', kind: 'Service', name: 's', sectionName: 'http' }], backend: { tcp: {} } },
    { targetRefs: [{ group: '', kind: 'Service', name: 's', sectionName: '65536' }], backend: { tcp: {} } },
    { targetRefs: [gateway], frontend: { tcp: { keepalive: {} } }, strategy: { inheritance: 'Default' } },
    { frontend: { tcp: { keepalive: {} } } },
    { targetRefs: [gateway], targetSelectors: [selector], frontend: { tcp: { keepalive: {} } } },
    targets(),
    targets(gateway, { ...gateway, kind: 'HTTPRoute' }),
    targets({ ...gateway, kind: 'HTTPRoute' }),
    targets({ ...gateway, kind: 'Pod' }),
    targets({ ...gateway, group: 'Example.com' }),
    targets({ ...gateway, sectionName: 'http' }),
    targets({ ...gateway, sectionName: 'http', port: 80 }),
    targets({ ...gateway, port: 0 }),
    targets({ ...gateway, port: 65_536 }),
    targets({ ...gateway, name: '' }),
    targets({ name: 'x' }),
    targets('x'),
    targets(...Array.from({ length: 17 }, () => gateway)),
    selectors({ ...selector, matchLabels: { a: 1 } }),
    selectors({ group: gateway.group, kind: 'Gateway' }),
    { targetRefs: 'g', frontend: { tcp: { keepalive: {} } } },
    [],
  ],
  AgentgatewayBackend: [
    { static: { host: 'a', port: 80 } },
    { static: { host: 'a' } },
    { static: { host: '', port: 0 } },
    { static: { host: 'a'.repeat(257), port: 80 } },
    { static: { unixPath: '/x' } },
    { static: { host: 'a', port: 80, unixPath: '/x' } },
    { static: { host: 'a', port: 80 }, ai: {} },
    { static: { host: 'a', port: 80 }, policies: { tcp: {} } },
    { static: { host: 'a', port: 80 }, policies: {} },
    { static: { host: 'a', port: 80 }, policies: { tls: {}, http: { requestTimeout: '0s' } } },
    {},
  ],
  GatewayClass: [
    { controllerName: 'agentgateway.dev/agentgateway' },
    { controllerName: 'agentgateway' },
    { controllerName: 'a.b/c', description: 'a'.repeat(65) },
    { controllerName: 'a.b/c', parametersRef: { group: '', kind: 'ConfigMap', name: 'a' } },
    {},
  ],
  Gateway: [
    listeners(listener, { name: 'tcp', port: 81, protocol: 'TCP' }),
    listeners(),
    listeners(listener, { ...listener, port: 81 }),
    listeners(listener, { ...listener, name: 'b' }),
    listeners({ ...listener, protocol: 'TCP', hostname: 'a' }),
    listeners({ ...listener, protocol: 'HTTPS' }),
    listeners({ ...listener, protocol: 'TLS' }),
    listeners({ ...listener, protocol: 'a b' }),
    listeners({ ...listener, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'a' }] } }),
    listeners({ ...listener, protocol: 'HTTPS', tls: { certificateRefs: [] } }),
    listeners({ ...listener, protocol: 'HTTPS', tls: { mode: 'Passthrough' } }),
    listeners({ ...listener, protocol: 'TLS', tls: { mode: 'Passthrough', certificateRefs: [{ name: 'a' }] } }),
    listeners({ ...listener, tls: { mode: 'Passthrough' } }),
    listeners({ ...listener, hostname: 'a_b', port: 0 }),
    listeners({ ...listener, allowedRoutes: { namespaces: { from: 'Selector' } } }),
    listeners({ ...listener, allowedRoutes: { namespaces: { from: 'None' } } }),
    listeners({ ...listener, allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }] } }),
    { listeners: [listener] },
    { gatewayClassName: 'a', listeners: [listener], addresses: [{ value: '10.0.0.1' }], infrastructure: {} },
  ],
  HTTPRoute: [
    {},
    rule({}),
    ...['a', '/a//b', '/a/./b', '/a/../b', '/a%2fb', '/a#b', '/a/..', '/a b'].map((value) => path('Exact', value)),
    path('Prefix', '/'),
    path('PathPrefix', ''),
    rule({
      matches: [
        {
          headers: [
            { name: 'a', value: '1' },
            { name: 'a', value: '2' },
          ],
        },
      ],
    }),
    rule({ matches: [{ headers: [{ name: 'a b', value: '' }] }] }),
    rule({ matches: [{ method: 'get' }] }),
    rule({ matches: [{ queryParams: [{ name: 'a', value: '1' }] }] }),
    rule({ filters: [{ type: 'URLRewrite' }], timeouts: { request: '1s' }, retry: {} }),
    rule({ backendRefs: [{ name: 's', port: 80 }] }),
    rule({ backendRefs: [{ ...backend, weight: -1 }] }),
    { rules: [] },
    { rules: [{ name: 'a' }, { name: 'a' }] },
    { rules: Array.from({ length: 17 }, () => ({})) },
    { rules: [64, 64, 1].map((length) => ({ matches: Array.from({ length }, () => ({ method: 'GET' })) })) },
    { hostnames: ['a:80', '*.example.com', '', '1.2.3.4'] },
    parents({ name: 'a' }, { name: 'a', sectionName: 'b' }),
    parents({ name: 'a' }, { name: 'a' }),
    parents({ name: 'a' }, { name: 'a', namespace: 'b' }),
    parents({ name: 'a', port: 80 }, { name: 'a', port: 81 }),
    parents({ group: '', kind: 'Service', name: 'a' }),
    { useDefaultGateways: 'All' },
  ],
  TCPRoute: [
    { rules: [{ backendRefs: [backend] }] },
    { rules: [{ backendRefs: [] }] },
    { rules: [{ backendRefs: [backend] }, { backendRefs: [backend] }] },
    {},
  ],
  TLSRoute: [
    { hostnames: ['*.example.com'], rules: [{ backendRefs: [backend] }] },
    { hostnames: ['a_b', '*'], rules: [{}] },
  ],
};

/** Every case, each with a name of its own. */
export const KUBERNETES_CASES: readonly KubernetesCase[] = RESOURCE_KINDS.flatMap((kind) =>
  (SPECS[kind.kind] ?? []).map((spec, index) => ({
    name: `${kind.kind} ${JSON.stringify(spec)}`,
    kind,
    collection: `/apis/${apiVersionOf(kind)}${kind.namespaced ? '/namespaces/default' : ''}/${kind.plural}`,
    object: {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: { name: `case-${index}`, ...(kind.namespaced && { namespace: 'default' }) },
      spec,
    },
  })),
);
