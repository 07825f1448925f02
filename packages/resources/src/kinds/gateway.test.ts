import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../object.ts';
import { faultsOf, validateSpec } from '../testing/faults.ts';
import { GATEWAY } from './gateway.ts';

const listener = { name: 'http', port: 3000, protocol: 'HTTP' };
const listeners = (...items: readonly Json[]): Json => ({ gatewayClassName: 'agentgateway', listeners: items });
const SKIPPED = /^<nil>: Invalid value: "null": some validation rules/;
const NOT_ENFORCED = 'Forbidden: not enforced by Pulseplane; remove it';

const CASES: readonly (readonly [name: string, spec: Json, faults: readonly (string | RegExp)[]])[] = [
  ['HTTP and TCP', listeners(listener, { name: 'tcp', port: 3001, protocol: 'TCP' }), []],
  [
    'two hosts on a port',
    listeners({ ...listener, hostname: 'a.example.com' }, { ...listener, name: 'b', hostname: '*.example.com' }),
    [],
  ],
  ['no class', { listeners: [listener] }, ['spec.gatewayClassName: Required value', SKIPPED]],
  [
    'no listeners',
    listeners(),
    ['spec.listeners: Invalid value: 0: spec.listeners in body should have at least 1 items'],
  ],
  [
    'HTTPS',
    listeners(
      { ...listener, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'a' }] } },
      { ...listener, name: 'b', protocol: 'HTTPS', hostname: 'b', tls: { certificateRefs: [{ name: 'b' }] } },
    ),
    [],
  ],
  ['HTTPS without its certificate, which the status tells', listeners({ ...listener, protocol: 'HTTPS' }), []],
  [
    'TLS that ends here, and TLS that does not',
    listeners(
      { ...listener, protocol: 'TLS', tls: { mode: 'Terminate', certificateRefs: [{ name: 'a' }] } },
      { ...listener, name: 'b', protocol: 'TLS', hostname: 'b', tls: { mode: 'Passthrough' } },
    ),
    [],
  ],
  [
    'TLS with settings of other implementations',
    listeners({ ...listener, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'a' }], options: { a: 'b' } } }),
    [`spec.listeners[0].tls.options: ${NOT_ENFORCED}`],
  ],
  [
    'TLS without certificates',
    listeners({ ...listener, protocol: 'HTTPS', tls: { certificateRefs: [] } }),
    [
      /^spec\.listeners\[0\]\.tls: Invalid value: "object": .*certificateRefs or options must be specified when mode is Terminate$/,
    ],
  ],
  [
    'HTTPS that passes through',
    listeners({ ...listener, protocol: 'HTTPS', tls: { mode: 'Passthrough' } }),
    ['spec.listeners: Invalid value: "array": tls mode must be Terminate for protocol HTTPS'],
  ],
  [
    'TLS without its settings',
    listeners({ ...listener, protocol: 'TLS' }),
    ['spec.listeners: Invalid value: "array": tls mode must be set for protocol TLS'],
  ],
  [
    'TLS with settings of TLS that ends here',
    listeners({
      ...listener,
      protocol: 'TLS',
      tls: { mode: 'Passthrough', certificateRefs: [{ name: 'a' }], options: { a: 'b' } },
    }),
    [
      `spec.listeners[0].tls.options: ${NOT_ENFORCED}`,
      'spec.listeners[0].tls: Invalid value: "object": certificateRefs must not be set when mode is Passthrough',
    ],
  ],
  [
    'TLS on HTTP',
    listeners({ ...listener, tls: { certificateRefs: [{ name: 'a' }] } }),
    [`spec.listeners: Invalid value: "array": tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']`],
  ],
  [
    'a protocol that is no name',
    listeners({ ...listener, protocol: 'a b' }),
    [
      /^spec\.listeners\[0\]\.protocol: Invalid value: "a b": .* should match/,
      'spec.listeners[0].protocol: Invalid value: "string": protocol a b is not supported yet; use HTTP, HTTPS, TCP or TLS',
    ],
  ],
  [
    'UDP',
    listeners({ ...listener, protocol: 'UDP' }),
    [
      'spec.listeners[0].protocol: Invalid value: "string": protocol UDP is not supported yet; use HTTP, HTTPS, TCP or TLS',
    ],
  ],
  [
    'a host on TCP',
    listeners({ ...listener, protocol: 'TCP', hostname: 'a' }),
    [`spec.listeners: Invalid value: "array": hostname must not be specified for protocols ['TCP', 'UDP']`],
  ],
  [
    'a host that is none',
    listeners({ ...listener, hostname: 'a_b' }),
    [/^spec\.listeners\[0\]\.hostname: Invalid value: "a_b": .* should match/],
  ],
  [
    'one name twice',
    listeners(listener, { ...listener, port: 3001 }),
    [
      'spec.listeners[1]: Duplicate value: map[string]interface {}{"name":"http"}',
      'spec.listeners: Invalid value: "array": Listener name must be unique within the Gateway',
    ],
  ],
  [
    'one port, protocol and host twice',
    listeners(listener, { ...listener, name: 'b' }),
    [
      'spec.listeners: Invalid value: "array": Combination of port, protocol and hostname must be unique for each listener',
    ],
  ],
  [
    'port 0',
    listeners({ ...listener, port: 0 }),
    ['spec.listeners[0].port: Invalid value: 0: spec.listeners[0].port in body should be greater than or equal to 1'],
  ],
  ['no name', listeners({ port: 1, protocol: 'HTTP' }), ['spec.listeners[0].name: Required value', SKIPPED]],
  ['all namespaces', listeners({ ...listener, allowedRoutes: { namespaces: { from: 'All' } } }), []],
  [
    'selected namespaces',
    listeners({ ...listener, allowedRoutes: { namespaces: { from: 'Selector', selector: {} } } }),
    [
      `spec.listeners[0].allowedRoutes.namespaces.selector: ${NOT_ENFORCED}`,
      'spec.listeners[0].allowedRoutes.namespaces.from: Invalid value: "string": Selector is not enforced by Pulseplane; use All or Same',
    ],
  ],
  [
    'kinds of routes',
    listeners({ ...listener, allowedRoutes: { kinds: [] } }),
    [`spec.listeners[0].allowedRoutes.kinds: ${NOT_ENFORCED}`],
  ],
  ...Object.entries<Json>({
    addresses: [],
    allowedListeners: {},
    backendTLS: {},
    defaultScope: 'All',
    infrastructure: {},
    tls: {},
  }).map(([name, value]): (typeof CASES)[number] => [
    name,
    { gatewayClassName: 'a', listeners: [listener], [name]: value },
    [`spec.${name}: ${NOT_ENFORCED}`],
  ]),
];

for (const [name, spec, expected] of CASES) {
  test(`a gateway with ${name}`, () => {
    const faults = faultsOf(GATEWAY, spec);
    assert.equal(faults.length, expected.length, faults.join('\n'));
    for (const [index, fault] of expected.entries()) {
      if (typeof fault === 'string') assert.equal(faults[index], fault);
      else assert.match(faults[index] ?? '', fault);
    }
  });
}

test('routes may come from the namespace of the gateway unless it says otherwise', () => {
  const { object } = validateSpec(GATEWAY, listeners(listener, { ...listener, name: 'b', port: 1, allowedRoutes: {} }));
  const allowedRoutes = { namespaces: { from: 'Same' } };
  assert.deepEqual(
    object.spec,
    listeners({ ...listener, allowedRoutes }, { ...listener, name: 'b', port: 1, allowedRoutes }),
  );
});
