import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonValue } from '@bufbuild/protobuf';
import type { GatewayResource, HttpSettings } from '@pulseplane/projection/gateway';
import { at, BOTH, backend, backendPolicy, frontendPolicy, GATEWAY, resourceOf, WEB } from './testing/gateway.ts';
import { toEnvoy } from './translate.ts';

const CLIENT = { listenAddress: '127.0.0.1', listenerKeepalive: 'field' } as const;
const HCM = 'filter_chains.0.filters.0.typed_config';

type Row = {
  readonly what: string;
  readonly add: readonly GatewayResource[];
  /** Type, name, path. */
  readonly at: readonly [string, string, string];
  readonly is: JsonValue | undefined;
  readonly remark?: RegExp;
};

const KEEPALIVE = { timeMs: 30_000, intervalMs: 5_000, retries: 3 };
const TCP = frontendPolicy({ section: 'tcp', keepalive: KEEPALIVE });

const ROWS: readonly Row[] = [
  ...['3000/ns/gw', '3001/ns/gw'].map((name) => ({
    what: `frontend.tcp.keepalive on ${name}`,
    add: [TCP],
    at: ['Listener', name, 'tcp_keepalive'] as const,
    is: { keepalive_time: 30, keepalive_interval: 5, keepalive_probes: 3 },
  })),
  {
    what: 'an empty frontend.tcp.keepalive has its defaults',
    add: [frontendPolicy({ section: 'tcp', keepalive: {} })],
    at: ['Listener', '3000/ns/gw', 'tcp_keepalive'],
    is: { keepalive_time: 180, keepalive_interval: 180, keepalive_probes: 9 },
  },
  { what: 'no frontend.tcp', add: [], at: ['Listener', '3000/ns/gw', 'tcp_keepalive'], is: undefined },
  {
    what: 'a policy on another port',
    add: [frontendPolicy({ section: 'tcp', keepalive: KEEPALIVE }, { gateway: GATEWAY, port: 3001 })],
    at: ['Listener', '3000/ns/gw', 'tcp_keepalive'],
    is: undefined,
  },
  http({ http1IdleTimeoutMs: 90_500 }, 'common_http_protocol_options.idle_timeout', '90.500s'),
  http({}, 'common_http_protocol_options.idle_timeout', '600s'),
  http({ http1IdleTimeoutMs: 90_000 }, 'request_headers_timeout', '90s'),
  http({}, 'stream_idle_timeout', '0s'),
  http({ http1MaxHeaders: 50 }, 'common_http_protocol_options.max_headers_count', 50),
  http({ maxConnectionDurationMs: 60_000 }, 'common_http_protocol_options.max_connection_duration', '60s'),
  http({}, 'common_http_protocol_options.max_connection_duration', undefined),
  http(
    { http2KeepaliveIntervalMs: 5_000, http2KeepaliveTimeoutMs: 30_000 },
    'http2_protocol_options.connection_keepalive',
    {
      interval: '5s',
      timeout: '30s',
    },
  ),
  http({ http2KeepaliveIntervalMs: 5_000 }, 'http2_protocol_options.connection_keepalive.timeout', '20s'),
  http({ http2KeepaliveTimeoutMs: 5_000 }, 'http2_protocol_options', undefined),
  http({ http2WindowSize: 100_000 }, 'http2_protocol_options.initial_stream_window_size', 100_000),
  http({ http2ConnectionWindowSize: 100_000 }, 'http2_protocol_options.initial_connection_window_size', 100_000),
  http({ http2WindowSize: 1 }, 'http2_protocol_options.initial_stream_window_size', 65_535, /http2WindowSize 1 /),
  http({ http2MaxHeaderSize: 20_480 }, 'max_request_headers_kb', 20),
  http({ http2MaxHeaderSize: 20_000 }, 'max_request_headers_kb', 20, /http2MaxHeaderSize 20000 .* it is 20 KiB/),
  http({ http2MaxHeaderSize: 2 ** 30 }, 'max_request_headers_kb', 8_192, /it is 8192 KiB/),
  http({ http2FrameSize: 65_536 }, 'http2_protocol_options', undefined, /http2FrameSize cannot be set in Envoy/),
  http(
    { http1HeaderCase: 'preserve' },
    'http_protocol_options.header_key_format.stateful_formatter.name',
    'envoy.http.stateful_header_formatters.preserve_case',
  ),
  http({ http1HeaderCase: 'lowercase' }, 'http_protocol_options', undefined),
  {
    what: 'TCP bytes are never idle: keepalive is what ends a dead peer',
    add: [],
    at: ['Listener', '3001/ns/gw', 'filter_chains.0.filters.0.typed_config.idle_timeout'],
    is: '0s',
  },
  ...['ns/up', 'tcp/ns/gw.tcp/0'].flatMap((name): readonly Row[] => [
    {
      what: `connections to ${name} are probed without a policy too`,
      add: [],
      at: ['Cluster', name, 'upstream_connection_options.tcp_keepalive'],
      is: { keepalive_time: 180, keepalive_interval: 180, keepalive_probes: 9 },
    },
    {
      what: `backend.tcp.keepalive of ${name}`,
      add: [backendPolicy({ section: 'tcp', keepalive: KEEPALIVE })],
      at: ['Cluster', name, 'upstream_connection_options.tcp_keepalive'],
      is: { keepalive_time: 30, keepalive_interval: 5, keepalive_probes: 3 },
    },
    {
      what: `connect timeout of ${name} without a policy`,
      add: [],
      at: ['Cluster', name, 'connect_timeout'],
      is: '10s',
    },
    {
      what: `backend.tcp.connectTimeout of ${name}`,
      add: [backendPolicy({ section: 'tcp', connectTimeoutMs: 1_500 })],
      at: ['Cluster', name, 'connect_timeout'],
      is: '1.500s',
    },
  ]),
  {
    what: 'HTTP/1.1 without a version',
    add: [],
    at: ['Cluster', 'ns/up', 'typed_extension_protocol_options'],
    is: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        common_http_protocol_options: { idle_timeout: '4s' },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
  },
  {
    what: 'backend.http.version HTTP2',
    add: [backendPolicy({ section: 'http', version: 'http2' })],
    at: ['Cluster', 'ns/up', 'typed_extension_protocol_options'],
    is: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        common_http_protocol_options: { idle_timeout: '90s' },
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  },
  {
    what: 'backend.http.requestTimeout',
    add: [backendPolicy({ section: 'http', requestTimeoutMs: 1_000 })],
    at: ['RouteConfiguration', '3000/ns/gw', 'virtual_hosts.0.routes.0.route'],
    is: {
      cluster: 'ns/up',
      timeout: '0s',
      retry_policy: { per_try_timeout: '1s' },
      cluster_not_found_response_code: 'INTERNAL_SERVER_ERROR',
    },
  },
  {
    what: 'what a backend sets itself',
    add: [backend('up', '127.0.0.1', [{ section: 'tcp', connectTimeoutMs: 700 }])],
    at: ['Cluster', 'ns/up', 'connect_timeout'],
    is: '0.700s',
  },
  {
    what: 'a policy on a route: the ways of that route have a cluster of their own',
    add: [backendPolicy({ section: 'tcp', connectTimeoutMs: 700 }, { route: WEB })],
    at: ['Cluster', 'ns/up+tcp=HTTPRoute/ns/web', 'connect_timeout'],
    is: '0.700s',
  },
  { what: 'an address', add: [], at: ['Cluster', 'ns/up', 'type'], is: 'STATIC' },
  { what: 'a host name', add: [backend('up', 'up.example')], at: ['Cluster', 'ns/up', 'type'], is: 'LOGICAL_DNS' },
  { what: 'a host name', add: [backend('up', 'up.example')], at: ['Cluster', 'ns/up', 'dns_lookup_family'], is: 'ALL' },
];

describe('what becomes of each field', () => {
  for (const { what, add, at: place, is, remark } of ROWS) {
    const [type, name, path] = place;
    test(`${what}: ${type} ${name} ${path}`, () => {
      const { resources, remarks } = toEnvoy(GATEWAY, withAdded(add), CLIENT);
      const found = resourceOf(resources, type, name);
      assert.ok(found, `there is no ${type} ${name}`);
      assert.deepEqual(at(found, path), is);
      if (remark === undefined) assert.deepEqual(remarks, []);
      else assert.match(remarks.map(({ source, message }) => `${source} ${message}`).join('\n'), remark);
    });
  }
});

test('an Envoy that does not know tcp_keepalive of listeners gets the same as socket options', () => {
  const { resources } = toEnvoy(GATEWAY, [...BOTH, TCP], { ...CLIENT, listenerKeepalive: 'socket-options' });
  const found = resourceOf(resources, 'Listener', '3001/ns/gw');
  assert.equal(at(found, 'tcp_keepalive'), undefined);
  const options = at(found, 'socket_options');
  assert.ok(Array.isArray(options));
  assert.deepEqual(
    options.map((option) => ['level', 'name', 'int_value'].map((field) => at(option, field))),
    [
      ['1', '9', '1'],
      ['6', '4', '30'],
      ['6', '5', '5'],
      ['6', '6', '3'],
    ],
  );
});

test('header names keep their case on both sides, and only where it is asked for', () => {
  const preserve = frontendPolicy({ section: 'http', http: { http1HeaderCase: 'preserve' } });
  const { resources } = toEnvoy(GATEWAY, [...BOTH, preserve], CLIENT);
  const upstream = resourceOf(resources, 'Cluster', 'ns/up+preserve-case');
  assert.match(JSON.stringify(upstream), /stateful_header_formatters\.preserve_case/);
  assert.equal(resourceOf(resources, 'Cluster', 'ns/up'), undefined);
});

/** A row about HTTP settings of the port 3000. */
function http(settings: HttpSettings, path: string, is: JsonValue | undefined, remark?: RegExp): Row {
  return {
    what: `frontend.http ${JSON.stringify(settings)}`,
    add: [frontendPolicy({ section: 'http', http: settings })],
    at: ['Listener', '3000/ns/gw', `${HCM}.${path}`],
    is,
    ...(remark && { remark }),
  };
}

/** What is added takes the place of what has its name. */
function withAdded(add: readonly GatewayResource[]): readonly GatewayResource[] {
  const key = ({ kind, key: own }: GatewayResource): string => `${kind}/${own}`;
  return [...new Map([...BOTH, ...add].map((resource) => [key(resource), resource])).values()];
}
