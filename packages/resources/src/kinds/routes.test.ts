import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../object.ts';
import { faultsOf, validateSpec } from '../testing/faults.ts';
import { AGENTGATEWAY_BACKEND } from './agentgateway-backend.ts';
import { GATEWAY_CLASS } from './gateway-class.ts';
import { HTTP_ROUTE } from './http-route.ts';
import type { ResourceKind } from './resource-kind.ts';
import { TCP_ROUTE } from './tcp-route.ts';
import { TLS_ROUTE } from './tls-route.ts';

const backend = { group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'demo' };
const parentRefs = [{ name: 'agentgateway-proxy' }];
const http = (rule: { readonly [name: string]: Json }): Json => ({
  parentRefs,
  rules: [{ backendRefs: [backend], ...rule }],
});
const path = (type: string, value: string): Json => http({ matches: [{ path: { type, value } }] });
const NOT_ENFORCED = 'Forbidden: not enforced by Pulseplane; remove it';
const SKIPPED = /^<nil>: Invalid value: "null": some validation rules/;
const TYPES = "when type one of ['Exact', 'PathPrefix']";
const PATH = 'spec.rules[0].matches[0].path: Invalid value: "object":';

const CASES: readonly (readonly [
  name: string,
  kind: ResourceKind,
  spec: Json,
  faults: readonly (string | RegExp)[],
])[] = [
  ['nothing', HTTP_ROUTE, {}, []],
  ['a rule', HTTP_ROUTE, http({}), []],
  [
    'every match',
    HTTP_ROUTE,
    http({
      name: 'r',
      matches: [
        {
          path: { type: 'RegularExpression', value: '/a.*' },
          method: 'GET',
          headers: [
            { name: 'X-A', value: '1' },
            { name: 'b', type: 'RegularExpression', value: '^x' },
          ],
        },
      ],
    }),
    [],
  ],
  ['a host', HTTP_ROUTE, { parentRefs, hostnames: ['www.example.com', '*.example.com'] }, []],
  ['a host with a port', HTTP_ROUTE, { hostnames: ['a:80'] }, [/^spec\.hostnames\[0\]: Invalid value: "a:80"/]],
  [
    'a parent in full',
    HTTP_ROUTE,
    {
      parentRefs: [
        {
          group: 'gateway.networking.k8s.io',
          kind: 'Gateway',
          namespace: 'a',
          name: 'b',
          sectionName: 'http',
          port: 80,
        },
      ],
    },
    [],
  ],
  [
    'a parent that is no gateway',
    HTTP_ROUTE,
    { parentRefs: [{ group: '', kind: 'Service', name: 'b' }] },
    [
      'spec.parentRefs[0]: Invalid value: "object": a parent must be a Gateway of group gateway.networking.k8s.io; other kinds are not supported',
    ],
  ],
  [
    'a path that is not absolute',
    HTTP_ROUTE,
    path('PathPrefix', 'a'),
    [`${PATH} value must be an absolute path and start with '/' ${TYPES}`],
  ],
  ...['//', '/./', '/../', '%2f', '%2F', '#'].map((part): (typeof CASES)[number] => [
    `a path with ${part}`,
    HTTP_ROUTE,
    path('Exact', `/a${part}b`),
    [`${PATH} must not contain '${part}' ${TYPES}`, ...(part === '#' ? [/must only contain valid characters/] : [])],
  ]),
  ...['/..', '/.'].map((end): (typeof CASES)[number] => [
    `a path that ends with ${end}`,
    HTTP_ROUTE,
    path('Exact', `/a${end}`),
    [`${PATH} must not end with '${end}' ${TYPES}`],
  ]),
  ['a path with a space', HTTP_ROUTE, path('Exact', '/a b'), [/must only contain valid characters/]],
  ['a pattern that may hold anything', HTTP_ROUTE, path('RegularExpression', 'a//b#'), []],
  [
    'a pattern that does not compile',
    HTTP_ROUTE,
    path('RegularExpression', '/('),
    [/^spec\.rules\[0\]\.matches\[0\]\.path\.value: Invalid value: "\/\(": must be a regular expression/],
  ],
  [
    'a pattern with lookahead',
    HTTP_ROUTE,
    path('RegularExpression', '/a(?=b)'),
    [/^spec\.rules\[0\]\.matches\[0\]\.path\.value: Invalid value: .*: must be a regular expression of RE2: /],
  ],
  ['a pattern that escapes what it need not', HTTP_ROUTE, path('RegularExpression', '/a\\-b'), []],
  [
    'a header pattern that does not compile',
    HTTP_ROUTE,
    http({ matches: [{ headers: [{ name: 'a', type: 'RegularExpression', value: '[' }] }] }),
    [/^spec\.rules\[0\]\.matches\[0\]\.headers\[0\]\.value: .*must be a regular expression/],
  ],
  [
    'a header twice',
    HTTP_ROUTE,
    http({
      matches: [
        {
          headers: [
            { name: 'a', value: '1' },
            { name: 'a', value: '2' },
          ],
        },
      ],
    }),
    ['spec.rules[0].matches[0].headers[1]: Duplicate value: map[string]interface {}{"name":"a"}'],
  ],
  [
    'a header with a bad name',
    HTTP_ROUTE,
    http({ matches: [{ headers: [{ name: 'a b', value: '1' }] }] }),
    [/headers\[0\]\.name: Invalid value: "a b"/],
  ],
  [
    'an unknown method',
    HTTP_ROUTE,
    http({ matches: [{ method: 'get' }] }),
    [/method: Unsupported value: "get": supported values: "GET"/, SKIPPED],
  ],
  [
    'query parameters',
    HTTP_ROUTE,
    http({ matches: [{ queryParams: [] }] }),
    [`spec.rules[0].matches[0].queryParams: ${NOT_ENFORCED}`],
  ],
  ...Object.entries<Json>({ filters: [{}], timeouts: {}, retry: {}, sessionPersistence: {} }).map(
    ([name, value]): (typeof CASES)[number] => [
      name,
      HTTP_ROUTE,
      http({ [name]: value }),
      [`spec.rules[0].${name}: ${NOT_ENFORCED}`],
    ],
  ),
  [
    'one gateway twice, once whole and once by listener',
    HTTP_ROUTE,
    { parentRefs: [...parentRefs, { ...parentRefs[0], sectionName: 'http' }] },
    [
      'spec.parentRefs: Invalid value: "array": sectionName or port must be specified when parentRefs includes 2 or more references to the same parent',
    ],
  ],
  [
    'one gateway twice',
    HTTP_ROUTE,
    { parentRefs: [...parentRefs, ...parentRefs] },
    [
      'spec.parentRefs: Invalid value: "array": sectionName or port must be unique when parentRefs includes 2 or more references to the same parent',
    ],
  ],
  [
    'gateways of one name in two namespaces',
    HTTP_ROUTE,
    { parentRefs: [...parentRefs, { ...parentRefs[0], namespace: 'other' }] },
    [],
  ],
  [
    'too many matches',
    HTTP_ROUTE,
    { rules: [64, 64, 1].map((length) => ({ matches: Array.from({ length }, () => ({ method: 'GET' })) })) },
    [
      'spec.rules: Invalid value: "array": While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
    ],
  ],
  [
    'filters of a TCP backend',
    TCP_ROUTE,
    { rules: [{ backendRefs: [{ ...backend, filters: [] }] }] },
    ['unknown spec.rules[0].backendRefs[0].filters'],
  ],
  ['a TLS route', TLS_ROUTE, { parentRefs, hostnames: ['*.example.com'], rules: [{ backendRefs: [backend] }] }, []],
  [
    'a TLS route with a host that is none',
    TLS_ROUTE,
    { hostnames: ['a_b'], rules: [{ backendRefs: [backend] }] },
    [/^spec\.hostnames\[0\]: Invalid value: "a_b": .* should match/],
  ],
  [
    'a route of default gateways',
    TLS_ROUTE,
    { rules: [{ backendRefs: [backend] }], useDefaultGateways: 'All' },
    [`spec.useDefaultGateways: ${NOT_ENFORCED}`],
  ],
  ['a class', GATEWAY_CLASS, { controllerName: 'agentgateway.dev/agentgateway', description: 'a' }, []],
  ['a class without a controller', GATEWAY_CLASS, {}, ['spec.controllerName: Required value', SKIPPED]],
  [
    'a controller that is none',
    GATEWAY_CLASS,
    { controllerName: 'agentgateway' },
    [/^spec\.controllerName: Invalid value: "agentgateway": .* should match/],
  ],
  [
    'a class with parameters',
    GATEWAY_CLASS,
    { controllerName: 'a.b/c', parametersRef: { group: '', kind: 'ConfigMap', name: 'a' } },
    [`spec.parametersRef: ${NOT_ENFORCED}`],
  ],
  [
    'filters of a backend',
    HTTP_ROUTE,
    http({ backendRefs: [{ ...backend, filters: [] }] }),
    [`spec.rules[0].backendRefs[0].filters: ${NOT_ENFORCED}`],
  ],
  [
    'a service',
    HTTP_ROUTE,
    http({ backendRefs: [{ name: 'a', port: 80 }] }),
    [
      `spec.rules[0].backendRefs[0].port: ${NOT_ENFORCED}`,
      `spec.rules[0].backendRefs[0]: Invalid value: "object": a backend must be an AgentgatewayBackend of group agentgateway.dev, not Service of group ''`,
    ],
  ],
  [
    'a negative weight',
    HTTP_ROUTE,
    http({ backendRefs: [{ ...backend, weight: -1 }] }),
    [/weight: Invalid value: -1: .* greater than or equal to 0/],
  ],
  [
    'one rule name twice',
    HTTP_ROUTE,
    { rules: [{ name: 'a' }, { name: 'a' }] },
    ['spec.rules: Invalid value: "array": Rule name must be unique within the route'],
  ],
  ['an unknown field', HTTP_ROUTE, http({ mirror: 1 }), ['unknown spec.rules[0].mirror']],
  ['a TCP rule', TCP_ROUTE, { parentRefs, rules: [{ backendRefs: [backend] }] }, []],
  ['no TCP rule', TCP_ROUTE, { parentRefs }, ['spec.rules: Required value', SKIPPED]],
  [
    'a TCP rule without a backend',
    TCP_ROUTE,
    { rules: [{ backendRefs: [] }] },
    ['spec.rules[0].backendRefs: Invalid value: 0: spec.rules[0].backendRefs in body should have at least 1 items'],
  ],
  [
    'two TCP rules',
    TCP_ROUTE,
    { rules: [{ backendRefs: [backend] }, { backendRefs: [backend] }] },
    ['spec.rules: Too many: 2: must have at most 1 items', SKIPPED],
  ],
  ['a static backend', AGENTGATEWAY_BACKEND, { static: { host: '127.0.0.1', port: 8081 } }, []],
  [
    'a static backend without a port',
    AGENTGATEWAY_BACKEND,
    { static: { host: 'a' } },
    ['spec.static: Invalid value: "object": must specify either unixPath or both host and port'],
  ],
  ['a socket file', AGENTGATEWAY_BACKEND, { static: { unixPath: '/x' } }, [`spec.static.unixPath: ${NOT_ENFORCED}`]],
  [
    'a socket file and an address',
    AGENTGATEWAY_BACKEND,
    { static: { host: 'a', port: 1, unixPath: '/x' } },
    [
      `spec.static.unixPath: ${NOT_ENFORCED}`,
      'spec.static: Invalid value: "object": unixPath and host/port are mutually exclusive',
    ],
  ],
  [
    'no backend',
    AGENTGATEWAY_BACKEND,
    {},
    [
      'spec: Invalid value: "object": exactly one of the fields in [ai static dynamicForwardProxy mcp aws a2a] must be set',
    ],
  ],
  ['an ai backend', AGENTGATEWAY_BACKEND, { ai: {} }, [`spec.ai: ${NOT_ENFORCED}`]],
  [
    'inline policies',
    AGENTGATEWAY_BACKEND,
    { static: { host: 'a', port: 1 }, policies: { tcp: { connectTimeout: '1s' }, http: { version: 'HTTP2' } } },
    [],
  ],
  [
    'inline policies that are wrong',
    AGENTGATEWAY_BACKEND,
    { static: { host: 'a', port: 1 }, policies: { tls: {}, http: { requestTimeout: '0s' } } },
    [
      `spec.policies.tls: ${NOT_ENFORCED}`,
      'spec.policies.http.requestTimeout: Invalid value: "string": requestTimeout must be at least 1ms, got 0s',
    ],
  ],
  [
    'no inline policy',
    AGENTGATEWAY_BACKEND,
    { static: { host: 'a', port: 1 }, policies: {} },
    [
      'spec.policies: Invalid value: "object": at least one of the fields in [ai auth extAuth health http mcp tcp tls transformation tunnel] must be set',
    ],
  ],
];

for (const [name, kind, spec, expected] of CASES) {
  test(`${kind.kind}: ${name}`, () => {
    const faults = faultsOf(kind, spec);
    assert.equal(faults.length, expected.length, faults.join('\n'));
    for (const [index, fault] of expected.entries()) {
      if (typeof fault === 'string') assert.equal(faults[index], fault);
      else assert.match(faults[index] ?? '', fault);
    }
  });
}

test('an HTTPRoute gets the defaults of Gateway API', () => {
  const { object } = validateSpec(HTTP_ROUTE, { parentRefs, rules: [{ backendRefs: [backend] }] });
  assert.deepEqual(object.spec, {
    parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'agentgateway-proxy' }],
    rules: [{ backendRefs: [{ ...backend, weight: 1 }], matches: [{ path: { type: 'PathPrefix', value: '/' } }] }],
  });
});
