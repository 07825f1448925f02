import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { type GatewayResource, type RouteMatch, resourceName } from '@pulseplane/projection/gateway';
import {
  at,
  BOTH,
  backend,
  backendPolicy,
  frontendPolicy,
  GATEWAY,
  httpRoute,
  resourceOf,
  tlsListener,
  tlsRoute,
} from './testing/gateway.ts';
import { toEnvoy } from './translate.ts';

const CLIENT = { listenAddress: '127.0.0.1', listenerKeepalive: 'field' } as const;
const UNNAMED = 'INTERNAL_SERVER_ERROR';

const MATCHES: readonly (readonly [what: string, match: Partial<RouteMatch>, envoy: object])[] = [
  ['every path', { path: { type: 'prefix', value: '/' } }, { prefix: '/' }],
  ['whole path elements', { path: { type: 'prefix', value: '/a' } }, { path_separated_prefix: '/a' }],
  ['a final slash does not count', { path: { type: 'prefix', value: '/a/' } }, { path_separated_prefix: '/a' }],
  ['an exact path', { path: { type: 'exact', value: '/a/' } }, { path: '/a/' }],
  ['a regular expression', { path: { type: 'regex', value: '/v\\d+' } }, { safe_regex: { regex: '/v\\d+' } }],
  ['a method', { method: 'GET' }, { prefix: '/', headers: [{ name: ':method', string_match: { exact: 'GET' } }] }],
  [
    'headers',
    {
      headers: [
        { name: 'X-One', match: { type: 'exact', value: 'A' } },
        { name: 'two', match: { type: 'regex', value: 'b+' } },
      ],
    },
    {
      prefix: '/',
      headers: [
        { name: 'x-one', string_match: { exact: 'A' } },
        { name: 'two', string_match: { safe_regex: { regex: 'b+' } } },
      ],
    },
  ],
];

describe('what becomes of a match', () => {
  for (const [what, match, envoy] of MATCHES) {
    test(what, () => {
      const { path = { type: 'prefix' as const, value: '/' }, headers = [], method } = match;
      const route = httpRoute({ matches: [{ path, headers, ...(method !== undefined && { method }) }] });
      assert.deepEqual(routesOf(route)[0]?.match, envoy);
    });
  }
});

test('an expression that RE2 does not take is said, and the other matches of the rule stay', () => {
  const matches = ['/a(?=b)', '/c'].map((value) => ({ path: { type: 'regex' as const, value }, headers: [] }));
  const translated = toEnvoy(GATEWAY, [...BOTH.filter(({ kind }) => kind !== 'route'), httpRoute({ matches })], CLIENT);
  assert.equal(translated.remarks.length, 1);
  assert.equal(translated.remarks[0]?.source, 'route/ns/web.00.http:ns/gw.http');
  assert.match(translated.remarks[0]?.message ?? '', /RE2.*\(\?=/);
  const routes = routesOf(httpRoute({ matches }));
  assert.deepEqual(
    routes.map(({ match }) => match),
    [{ safe_regex: { regex: '/c' } }],
  );
});

test('backends get their share by weight; none at 0', () => {
  const backends = [
    { backendKey: 'ns/up', weight: 3 },
    { backendKey: 'ns/other', weight: 1 },
    { backendKey: 'ns/up', weight: 0 },
  ];
  assert.deepEqual(actionOf(backends), {
    weighted_clusters: {
      clusters: [
        { name: 'ns/up', weight: 3 },
        { name: 'ns/other', weight: 1 },
      ],
    },
    timeout: '0s',
    cluster_not_found_response_code: UNNAMED,
  });
});

test('the share of a backend that does not exist, or may not be used, is answered with 500', () => {
  const [missing, foreign] = ['ns/missing', ''].map((backendKey) => actionOf([{ backendKey, weight: 1 }]));
  assert.deepEqual(missing, { cluster: 'ns/missing', timeout: '0s', cluster_not_found_response_code: UNNAMED });
  assert.deepEqual(foreign, { cluster: 'no-backend', timeout: '0s', cluster_not_found_response_code: UNNAMED });
});

test('a rule without a backend answers with 500', () => {
  for (const backends of [[], [{ backendKey: 'ns/up', weight: 0 }]]) {
    assert.deepEqual(routesOf(httpRoute({ backends }))[0]?.direct_response, { status: 500 });
  }
});

test('one rule has one request timeout: the longest of its backends, which is said', () => {
  const timeout = (name: string, requestTimeoutMs: number) =>
    backendPolicy({ section: 'http', requestTimeoutMs }, { backend: { namespace: 'ns', name } });
  const backends = ['up', 'other'].map((name) => ({ backendKey: `ns/${name}`, weight: 1 }));
  const others = BOTH.filter(({ kind }) => kind !== 'route');
  const both = [...others, backend('other'), httpRoute({ backends }), timeout('up', 1_000), timeout('other', 2_000)];
  const { resources, remarks } = toEnvoy(GATEWAY, both, CLIENT);
  const configuration = resourceOf(resources, 'RouteConfiguration', '3000/ns/gw');
  assert.equal(at(configuration, 'virtual_hosts.0.routes.0.route.retry_policy.per_try_timeout'), '2s');
  assert.deepEqual(remarks, [
    {
      source: 'route/ns/web.00.http:ns/gw.http',
      message: 'Envoy has one request timeout for all backends of a rule: it is 2000 ms there',
    },
  ]);
});

test('bytes without a route go to a cluster that does not exist, so that a later route leaves the Listener alone', () => {
  const without = BOTH.filter(({ kind }) => kind !== 'tcp_route');
  const listeners = [BOTH, without].map((resources) =>
    resourceOf(toEnvoy(GATEWAY, resources, CLIENT).resources, 'Listener', '3001/ns/gw'),
  );
  assert.deepEqual(listeners[0], listeners[1]);
  assert.equal(resourceOf(toEnvoy(GATEWAY, without, CLIENT).resources, 'Cluster', 'tcp/ns/gw.tcp/0'), undefined);
});

test('TLS that passes through has a filter chain for each server name, of a listener or of a route', () => {
  const tls: readonly GatewayResource[] = [
    { kind: 'bind', key: '3002/ns/gw', port: 3002, protocol: 'tls' },
    tlsListener('exact', 'A.example'),
    tlsListener('wide', '*.example'),
    tlsListener('any', ''),
    tlsRoute('r0', 'exact', []),
    tlsRoute('r1', 'wide', ['*.example', 'b.example']),
    tlsRoute('r2', 'wide', ['*.deep.example'], 0),
  ];
  const { resources, remarks } = toEnvoy(GATEWAY, [...BOTH, ...tls], CLIENT);
  const inspected = resourceOf(resources, 'Listener', '3002/ns/gw');
  const chains = at(inspected, 'filter_chains') as readonly JsonValue[];
  assert.deepEqual(
    chains.map((chain) => [at(chain, 'filter_chain_match'), at(chain, 'filters.0.typed_config.cluster')]),
    [
      [{ transport_protocol: 'tls' }, 'tls/ns/gw.any/*/0'],
      ...['*.deep.example', '*.example', 'a.example', 'b.example'].map((name) => [
        { transport_protocol: 'tls', server_names: [name] },
        `tls/ns/gw.${name === 'a.example' ? 'exact' : 'wide'}/${name}/0`,
      ]),
    ],
  );
  assert.equal(at(inspected, 'listener_filters.0.name'), 'envoy.filters.listener.tls_inspector');
  assert.equal(at(inspected, 'listener_filters_timeout'), '10s');
  // The others, without a route or a share, lead to clusters that do not exist.
  const clusters = resources.map(({ name }) => name).filter((name) => name.startsWith('tls/'));
  assert.deepEqual(clusters.sort(), [
    'tls/ns/gw.exact/a.example/0',
    'tls/ns/gw.wide/*.example/0',
    'tls/ns/gw.wide/b.example/0',
  ]);
  assert.deepEqual(remarks, []);
});

test('a port with TLS that ends at it is not for Envoy, and the others stay as they are', () => {
  const tls: readonly GatewayResource[] = [
    { kind: 'bind', key: '3002/ns/gw', port: 3002, protocol: 'tls' },
    tlsListener('wide', '*.example'),
    { ...tlsListener('https', 'a.example'), protocol: 'https', tls: { certificates: [] } },
    tlsRoute('r', 'wide', []),
  ];
  const { resources, remarks } = toEnvoy(GATEWAY, [...BOTH, ...tls], CLIENT);
  const isGiven = (bind: string) => resourceOf(resources, 'Listener', bind) !== undefined;
  assert.deepEqual(['3000/ns/gw', '3001/ns/gw', '3002/ns/gw'].filter(isGiven), ['3000/ns/gw', '3001/ns/gw']);
  assert.deepEqual(remarks, [
    {
      source: 'listener/ns/gw.https',
      message: 'Envoy is told nothing of TLS that ends here, so it does not open port 3002',
    },
  ]);
});

describe('the PROXY protocol becomes a listener filter of the port', () => {
  const cases = [
    ['strict', 'v2', { disallowed_versions: ['V1'] }, {}],
    ['strict', 'all', {}, {}],
    [
      'optional',
      'v1',
      { allow_requests_without_proxy_protocol: true, disallowed_versions: ['V2'] },
      { continue_on_listener_filters_timeout: true },
    ],
  ] as const;
  for (const [mode, version, filter, listener] of cases) {
    test(`${mode} ${version}`, () => {
      const settings = { section: 'proxyProtocol', proxyProtocol: { mode, version } } as const;
      const policy = frontendPolicy(settings, { gateway: GATEWAY, port: 3001 });
      const { resources, remarks } = toEnvoy(GATEWAY, [...BOTH, policy], CLIENT);
      const tcp = resourceOf(resources, 'Listener', '3001/ns/gw') as JsonObject;
      const { listener_filters, listener_filters_timeout, continue_on_listener_filters_timeout } = tcp;
      const type = 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol';
      assert.deepEqual(
        { listener_filters, ...(continue_on_listener_filters_timeout && { continue_on_listener_filters_timeout }) },
        {
          listener_filters: [
            { name: 'envoy.filters.listener.proxy_protocol', typed_config: { '@type': type, ...filter } },
          ],
          ...listener,
        },
      );
      assert.equal(listener_filters_timeout, '5s');
      const { sources = [] } = resources.find(({ name }) => name === '3001/ns/gw') ?? {};
      assert.ok(sources.includes(resourceName(policy)));
      assert.equal(at(resourceOf(resources, 'Listener', '3000/ns/gw'), 'listener_filters'), undefined);
      assert.deepEqual(remarks, []);
    });
  }
});

test('no gateway, no resources', () => {
  assert.deepEqual(toEnvoy(GATEWAY, [], CLIENT), { resources: [], remarks: [] });
});

test('each resource names what it says something of', () => {
  const tcp = backendPolicy({ section: 'tcp', connectTimeoutMs: 700 });
  const timeout = backendPolicy({ section: 'http', requestTimeoutMs: 800 });
  const preserve = frontendPolicy({ section: 'http', http: { http1HeaderCase: 'preserve' } });
  const { resources } = toEnvoy(GATEWAY, [...BOTH, tcp, timeout, preserve], CLIENT);
  const sourcesOf = (type: string, name: string) =>
    resources.find((one) => one.typeUrl.endsWith(`.${type}`) && one.name === name)?.sources;
  assert.deepEqual(sourcesOf('Cluster', 'tcp/ns/gw.tcp/0'), ['backend/ns/up', ...[timeout, tcp].map(resourceName)]);
  assert.deepEqual(sourcesOf('Cluster', 'ns/up+preserve-case'), [
    'backend/ns/up',
    ...[timeout, tcp, preserve].map(resourceName),
  ]);
  assert.deepEqual(sourcesOf('RouteConfiguration', '3000/ns/gw'), [
    'backend/ns/up',
    'bind/3000/ns/gw',
    'listener/ns/gw.http',
    resourceName(timeout),
    'route/ns/web.00.http:ns/gw.http',
  ]);
  assert.deepEqual(sourcesOf('Listener', '3001/ns/gw'), ['bind/3001/ns/gw', 'tcp_route/ns/raw.00.tcp:ns/gw.tcp']);
  assert.deepEqual(sourcesOf('Listener', '3000/ns/gw'), ['bind/3000/ns/gw', resourceName(preserve)]);
});

type Route = { readonly match: object; readonly route?: object; readonly direct_response?: object };

function routesOf(route: ReturnType<typeof httpRoute>): readonly Route[] {
  const resources = toEnvoy(GATEWAY, [...BOTH.filter(({ kind }) => kind !== 'route'), backend('other'), route], CLIENT);
  const configuration = resourceOf(resources.resources, 'RouteConfiguration', '3000/ns/gw');
  return at(configuration, 'virtual_hosts.0.routes') as unknown as readonly Route[];
}

function actionOf(backends: ReturnType<typeof httpRoute>['backends']): object | undefined {
  return routesOf(httpRoute({ backends }))[0]?.route;
}
