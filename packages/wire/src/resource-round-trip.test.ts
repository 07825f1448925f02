import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type BackendTarget,
  type GatewayResource,
  type Listener,
  PrivateKey,
  type ProxyProtocol,
  type TlsSettings,
} from '@pulseplane/projection/gateway';
import {
  type BackendPolicySpecSchema,
  type PolicyTargetSchema,
  ResourceSchema,
} from './gen/agentgateway/dev/resource/resource_pb.ts';
import { decodeResource, encodeResource } from './index.ts';
import { namesOf, TLS_CIPHER_SUITES } from './tls-names.ts';

const BACKEND_TARGETS: readonly BackendTarget[] = [
  { gateway: { namespace: 'ns', name: 'gw' } },
  { gateway: { namespace: 'ns', name: 'gw' }, listener: 'http' },
  { route: { kind: 'HTTPRoute', namespace: 'ns', name: 'r' } },
  { route: { kind: 'HTTPRoute', namespace: 'ns', name: 'r', ruleName: 'first' } },
  { backend: { namespace: 'ns', name: 'b' } },
];
const ON_BACKEND = { kind: 'policy', name: { kind: 'AgentgatewayPolicy', namespace: 'ns', name: 'p' } } as const;

const PROXY_PROTOCOLS: readonly ProxyProtocol[] = [
  { mode: 'strict', version: 'v2' },
  { mode: 'optional', version: 'v1' },
  { mode: 'optional', version: 'all' },
];

const TLS_SETTINGS: readonly TlsSettings[] = [
  { handshakeTimeoutMs: 1500, alpnProtocols: [], minVersion: '1.3' },
  { cipherSuites: [...namesOf(TLS_CIPHER_SUITES).values()], keyExchangeGroups: ['X25519', 'P-384', 'P-256'] },
  { alpnProtocols: ['h2', 'http/1.1'], minVersion: '1.2', maxVersion: '1.2' },
];

const HTTPS: Listener = {
  kind: 'listener',
  key: 'ns/gw.https',
  bindKey: '3002/ns/gw',
  gateway: { namespace: 'ns', name: 'gw' },
  listenerName: 'https',
  hostname: '',
  protocol: 'https',
  tls: {
    certificates: [
      { chain: 'first', key: new PrivateKey('key of the first') },
      { chain: 'second', key: new PrivateKey('key of the second') },
    ],
  },
};

const RESOURCES: readonly GatewayResource[] = [
  { kind: 'bind', key: '3000/ns/gw', port: 3000, protocol: 'http' },
  { kind: 'bind', key: '3001/ns/gw', port: 3001, protocol: 'tcp' },
  { kind: 'bind', key: '3002/ns/gw', port: 3002, protocol: 'tls' },
  {
    kind: 'listener',
    key: 'ns/gw.http',
    bindKey: '3000/ns/gw',
    gateway: { namespace: 'ns', name: 'gw' },
    listenerName: 'http',
    hostname: '*.example.com',
    protocol: 'http',
  },
  {
    kind: 'listener',
    key: 'ns/gw.tls',
    bindKey: '3002/ns/gw',
    gateway: { namespace: 'ns', name: 'gw' },
    listenerName: 'tls',
    hostname: '*.example.com',
    protocol: 'tls',
  },
  HTTPS,
  {
    kind: 'route',
    key: 'ns/r.00.http',
    listenerKey: 'ns/gw.http',
    name: { kind: 'HTTPRoute', namespace: 'ns', name: 'r', ruleName: 'first' },
    hostnames: ['a.example.com'],
    matches: [
      { path: { type: 'prefix', value: '/a' }, headers: [], method: 'GET' },
      { path: { type: 'exact', value: '/b' }, headers: [{ name: 'x', match: { type: 'exact', value: '1' } }] },
      { path: { type: 'regex', value: '^/c+\\-$' }, headers: [{ name: 'y', match: { type: 'regex', value: '2+' } }] },
    ],
    backends: [
      { backendKey: 'ns/b', weight: 3 },
      { backendKey: '', weight: 0 },
    ],
  },
  {
    kind: 'tcp_route',
    hostnames: ['*.example.com'],
    key: 'ns/t.00.tcp',
    listenerKey: 'ns/gw.tcp',
    name: { kind: 'TCPRoute', namespace: 'ns', name: 't' },
    backends: [{ backendKey: 'ns/b', weight: 1 }],
  },
  { kind: 'backend', key: 'ns/b', namespace: 'ns', name: 'b', host: '127.0.0.1', port: 9000, inlinePolicies: [] },
  {
    kind: 'backend',
    key: 'ns/c',
    namespace: 'ns',
    name: 'c',
    host: 'upstream',
    port: 9000,
    inlinePolicies: [
      { section: 'tcp', connectTimeoutMs: 1500, keepalive: { timeMs: 30_000, intervalMs: 5000, retries: 3 } },
      { section: 'http', version: 'http2', requestTimeoutMs: 1 },
    ],
  },
  {
    kind: 'policy',
    key: 'frontend/ns/p:frontend-tcp:ns/gw/port=3000',
    name: { kind: 'AgentgatewayPolicy', namespace: 'ns', name: 'p' },
    target: { gateway: { namespace: 'ns', name: 'gw' }, port: 3000 },
    frontend: { section: 'tcp', keepalive: { timeMs: 30_000, intervalMs: 5000, retries: 3 } },
  },
  {
    kind: 'policy',
    key: 'frontend/ns/p:frontend-tcp:ns/gw',
    name: { kind: 'AgentgatewayPolicy', namespace: 'ns', name: 'p' },
    target: { gateway: { namespace: 'ns', name: 'gw' } },
    frontend: { section: 'tcp', keepalive: {} },
  },
  {
    kind: 'policy',
    key: 'frontend/ns/p:frontend-http:ns/gw',
    name: { kind: 'AgentgatewayPolicy', namespace: 'ns', name: 'p' },
    target: { gateway: { namespace: 'ns', name: 'gw' } },
    frontend: {
      section: 'http',
      http: {
        maxBufferSize: 1,
        http1MaxHeaders: 2,
        http1IdleTimeoutMs: 3500,
        http1HeaderCase: 'lowercase',
        http2WindowSize: 4,
        http2ConnectionWindowSize: 5,
        http2FrameSize: 16_384,
        http2MaxHeaderSize: 7,
        http2KeepaliveIntervalMs: 8000,
        http2KeepaliveTimeoutMs: 9000,
        maxConnectionDurationMs: 10_000,
      },
    },
  },
  ...PROXY_PROTOCOLS.map(
    (proxyProtocol, index): GatewayResource => ({
      kind: 'policy',
      key: `frontend/ns/${index}:frontend-proxy:ns/gw`,
      name: { kind: 'AgentgatewayPolicy', namespace: 'ns', name: `${index}` },
      target: { gateway: { namespace: 'ns', name: 'gw' } },
      frontend: { section: 'proxyProtocol', proxyProtocol },
    }),
  ),
  ...TLS_SETTINGS.map(
    (tls, index): GatewayResource => ({
      ...ON_BACKEND,
      key: `tls ${index}`,
      target: { gateway: { namespace: 'ns', name: 'gw' } },
      frontend: { section: 'tls', tls },
    }),
  ),
  ...BACKEND_TARGETS.flatMap((target): readonly GatewayResource[] => [
    { ...ON_BACKEND, key: `a ${JSON.stringify(target)}`, target, backend: { section: 'tcp' } },
    { ...ON_BACKEND, key: `b ${JSON.stringify(target)}`, target, backend: { section: 'tcp', keepalive: {} } },
    { ...ON_BACKEND, key: `c ${JSON.stringify(target)}`, target, backend: { section: 'http', version: 'http1' } },
  ]),
];

test('every resource comes back from the wire as it went, and equal resources give equal bytes', () => {
  for (const resource of RESOURCES) {
    const bytes = encodeResource(resource);
    assert.deepEqual(decodeResource(bytes), { kind: 'decoded', resource }, resource.key);
    assert.deepEqual(encodeResource({ ...resource }), bytes);
  }
});

test('the keys of certificates come back too', () => {
  const decoded = decodeResource(encodeResource(HTTPS));
  assert.ok(decoded.kind === 'decoded' && decoded.resource.kind === 'listener');
  assert.deepEqual(
    decoded.resource.tls?.certificates.map(({ key }) => key.reveal()),
    ['key of the first', 'key of the second'],
  );
});

test("a listener's certificate and a TLS policy have agentgateway's field numbers, byte for byte", () => {
  const bytes = encodeResource({
    ...HTTPS,
    key: 'k',
    bindKey: 'b',
    tls: { certificates: [{ chain: 'c', key: new PrivateKey('p') }] },
  });
  const expected = [
    '1221', // Resource.listener = 2
    '0a016b', // key = 1
    '120162', // bind_key = 2
    '1a0f0a02677712026e731a056874747073', // name = 3: gateway_name 1, gateway_namespace 2, listener_name 3
    '2802', // protocol = 5: HTTPS
    '3206', // tls = 6
    '0a0163120170', // cert = 1, private_key = 2
  ];
  assert.equal(Buffer.from(bytes).toString('hex'), expected.join(''));
  const policy = encodeResource({
    kind: 'policy',
    key: 'k',
    name: { kind: 'K', namespace: 's', name: 'n' },
    target: { gateway: { namespace: 's', name: 'g' } },
    frontend: {
      section: 'tls',
      tls: {
        handshakeTimeoutMs: 2000,
        alpnProtocols: ['h2'],
        cipherSuites: ['TLS13_AES_256_GCM_SHA384'],
        keyExchangeGroups: ['P-256'],
        minVersion: '1.2',
        maxVersion: '1.3',
      },
    },
  });
  const policyExpected = [
    '2a30', // Resource.policy = 5
    '0a016b12090a016e1201731a014b1a080a060a0167120173', // key, name, target
    '3216', // frontend = 6
    '1214', // tls = 2
    '0a020802', // handshake_timeout = 1
    '12040a026832', // alpn = 2: protocols 1
    '1a0101', // cipher_suites = 3
    '2003', // min_version = 4
    '2804', // max_version = 5
    '320102', // key_exchange_groups = 6
  ];
  assert.equal(Buffer.from(policy).toString('hex'), policyExpected.join(''));
});

test("a TCP keepalive policy has agentgateway's field numbers, byte for byte", () => {
  const bytes = encodeResource({
    kind: 'policy',
    key: 'k',
    name: { kind: 'K', namespace: 's', name: 'n' },
    target: { gateway: { namespace: 's', name: 'g' } },
    frontend: { section: 'tcp', keepalive: { timeMs: 30_000, intervalMs: 5000, retries: 3 } },
  });
  const expected = [
    '2a28', // Resource.policy = 5
    '0a016b', // key = 1
    '12090a016e1201731a014b', // name = 2: name 1, namespace 2, kind 3
    '1a080a060a0167120173', // target = 3: gateway 1: name 1, namespace 2
    '320e0a0c0a0a', // frontend = 6: tcp 1: keepalives 1
    '0a02081e', // time = 1: seconds 1
    '12020805', // interval = 2
    '1803', // retries = 3
  ];
  assert.equal(Buffer.from(bytes).toString('hex'), expected.join(''));
});

test("backend policies have agentgateway's field numbers, byte for byte", () => {
  const policy = { kind: 'policy', key: 'k', name: { kind: 'K', namespace: 's', name: 'n' } } as const;
  const head = ['0a016b', '12090a016e1201731a014b'];
  const tcp = encodeResource({
    ...policy,
    target: { route: { kind: 'R', namespace: 's', name: 'r', ruleName: 'u' } },
    backend: { section: 'tcp', connectTimeoutMs: 2000, keepalive: { timeMs: 30_000, intervalMs: 5000, retries: 3 } },
  });
  const tcpExpected = [
    '2a32', // Resource.policy = 5
    ...head,
    '1a0e120c0a01721201731a0175220152', // target = 3: route 2: name 1, namespace 2, route_rule 3, kind 4
    '2a12', // backend = 5
    '6a10', // backend_tcp = 13
    '0a0a0a02081e120208051803', // keepalive = 1
    '12020802', // connect_timeout = 2
  ];
  assert.equal(Buffer.from(tcp).toString('hex'), tcpExpected.join(''));
  const http = encodeResource({
    ...policy,
    target: { backend: { namespace: 's', name: 'b' } },
    backend: { section: 'http', version: 'http2', requestTimeoutMs: 3000 },
  });
  const httpExpected = [
    '2a22', // Resource.policy = 5
    ...head,
    '1a081a060a0162120173', // target = 3: backend 3: name 1, namespace 2
    '2a08', // backend = 5
    '6206', // backend_http = 12
    '0802', // version = 1: HTTP2
    '12020803', // request_timeout = 2
  ];
  assert.equal(Buffer.from(http).toString('hex'), httpExpected.join(''));
});

test("a PROXY protocol policy has agentgateway's field numbers, byte for byte", () => {
  const bytes = encodeResource({
    kind: 'policy',
    key: 'k',
    name: { kind: 'K', namespace: 's', name: 'n' },
    target: { gateway: { namespace: 's', name: 'g' } },
    frontend: { section: 'proxyProtocol', proxyProtocol: { mode: 'optional', version: 'all' } },
  });
  const expected = [
    '2a20', // Resource.policy = 5
    '0a016b', // key = 1
    '12090a016e1201731a014b', // name = 2
    '1a080a060a0167120173', // target = 3: gateway 1
    '3206', // frontend = 6
    '3a04', // proxy_protocol = 7
    '08021001', // version = 1: ALL, mode = 2: OPTIONAL
  ];
  assert.equal(Buffer.from(bytes).toString('hex'), expected.join(''));
});

test('nonsense is rejected with the field, the value and the rule, and never throws', () => {
  const onBackend = (target: Target, kind: Spec = { case: undefined }) => ({
    kind: {
      case: 'policy' as const,
      value: { key: 'k', name: {}, target, kind: { case: 'backend' as const, value: { kind } } },
    },
  });
  const cases: readonly [Parameters<typeof create<typeof ResourceSchema>>[1], RegExp][] = [
    [{}, /^kind: is missing/],
    [{ kind: { case: 'bind', value: { key: 'k', port: 0 } } }, /^bind\.port: 0 must be from 1 to 65535$/],
    [{ kind: { case: 'bind', value: { key: '', port: 1 } } }, /^bind\.key: is required$/],
    [{ kind: { case: 'bind', value: { key: 'k', port: 1, protocol: 9 as 1 } } }, /^bind\.protocol: 9 is not known/],
    [{ kind: { case: 'listener', value: { key: 'k', bindKey: 'b' } } }, /^listener\.name: is required$/],
    [{ kind: { case: 'policy', value: { key: 'k' } } }, /^policy\.name: is required$/],
    [{ kind: { case: 'policy', value: { key: 'k', name: {} } } }, /^policy\.kind: only frontend and backend/],
    [
      { kind: { case: 'policy', value: { key: 'k', name: {}, kind: { case: 'frontend', value: {} } } } },
      /^policy\.target: only a gateway/,
    ],
    [onBackend({ kind: { case: 'gateway', value: { port: 1 } } }), /^policy\.target\.gateway\.port: is not supported/],
    [onBackend({ kind: { case: 'backend', value: { section: 'x' } } }), /^policy\.target\.backend\.section: x is not/],
    [onBackend({}), /^policy\.target: is missing/],
    [
      onBackend({ kind: { case: 'backend', value: {} } }, { case: 'backendTcp', value: { connectTimeout: {} } }),
      /^policy\.backend\.backend_tcp\.connect_timeout: 0 must be more than 0$/,
    ],
    [
      onBackend({ kind: { case: 'backend', value: {} } }, { case: 'backendHttp', value: { version: 7 as 1 } }),
      /^policy\.backend\.backend_http\.version: 7 is not known/,
    ],
    [
      {
        kind: {
          case: 'policy',
          value: {
            key: 'k',
            name: {},
            target: { kind: { case: 'gateway', value: { name: 'g', namespace: 'n' } } },
            kind: {
              case: 'frontend',
              value: { kind: { case: 'tcp', value: { keepalives: { time: { seconds: 40_000n } } } } },
            },
          },
        },
      },
      /^policy\.frontend\.tcp\.keepalives\.time: 40000000 must be from 1000 to 32767000$/,
    ],
    [
      {
        kind: {
          case: 'route',
          value: { key: 'k', listenerKey: 'l', name: {}, matches: [{ path: { kind: { case: 'regex', value: '(' } } }] },
        },
      },
      /^route\.matches\.path\.regex: "\(" is not a regular expression$/,
    ],
  ];
  for (const [message, expected] of cases) {
    const decoded = decodeResource(toBinary(ResourceSchema, create(ResourceSchema, message)));
    assert(
      decoded.kind === 'rejected',
      JSON.stringify(message, (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
    );
    assert.match(decoded.error, expected);
  }
  assert.equal(decodeResource(new Uint8Array([255, 255, 255])).kind, 'rejected');
});

type Target = MessageInitShape<typeof PolicyTargetSchema>;
type Spec = NonNullable<MessageInitShape<typeof BackendPolicySpecSchema>['kind']>;
