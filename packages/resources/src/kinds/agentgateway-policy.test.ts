import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json } from '../object.ts';
import { faultsOf, validateSpec } from '../testing/faults.ts';
import { AGENTGATEWAY_POLICY } from './agentgateway-policy.ts';

const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'agentgateway-proxy' };
const targetRefs = [gateway];
const selector = { group: gateway.group, kind: gateway.kind, matchLabels: { app: 'x' } };
const tcp = { keepalive: { retries: 3, time: '30s', interval: '5s' } };
const SKIPPED =
  '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
const NOT_ENFORCED = 'Forbidden: not enforced by Pulseplane; remove it';
const KEEPALIVE = 'spec.frontend.tcp.keepalive';
const HTTP = 'spec.frontend.http';
const PATTERN = "in body should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'";
const LISTENER =
  'spec: Invalid value: "object": frontend tcp, networkAuthorization, tls, http, proxyProtocol, and connect policies may only target a Gateway or port, not a listener (sectionName)';

type Cases = readonly (readonly [name: string, spec: Json, faults: readonly string[]])[];

function check(title: string, cases: Cases): void {
  describe(title, () => {
    for (const [name, spec, faults] of cases) {
      test(name, () => assert.deepEqual(faultsOf(AGENTGATEWAY_POLICY, spec), faults));
    }
  });
}

const keepalive = (fields: Json): Json => ({ targetRefs, frontend: { tcp: { keepalive: fields } } });
const http = (fields: Json): Json => ({ targetRefs, frontend: { http: fields } });
const targets = (...refs: readonly Json[]): Json => ({ targetRefs: refs, frontend: { tcp } });

check('frontend.tcp.keepalive', [
  ['the tutorial', keepalive({ retries: 3, time: '30s', interval: '5s' }), []],
  ['empty', keepalive({}), []],
  ['retries 1 and 64', keepalive({ retries: 64 }), []],
  ['null is no value', keepalive({ retries: null }), []],
  ['the largest that Linux takes', keepalive({ time: '32767s', interval: '9h6m7s' }), []],
  [
    'no keepalive',
    { targetRefs, frontend: { tcp: {} } },
    ['spec.frontend.tcp: Invalid value: "object": at least one of the fields in [keepalive] must be set'],
  ],
  [
    'retries 0',
    keepalive({ retries: 0 }),
    [`${KEEPALIVE}.retries: Invalid value: 0: ${KEEPALIVE}.retries in body should be greater than or equal to 1`],
  ],
  [
    'retries 65',
    keepalive({ retries: 65 }),
    [`${KEEPALIVE}.retries: Invalid value: 65: ${KEEPALIVE}.retries in body should be less than or equal to 64`],
  ],
  [
    'retries as text',
    keepalive({ retries: '3' }),
    [
      `${KEEPALIVE}.retries: Invalid value: "string": ${KEEPALIVE}.retries in body must be of type integer: "string"`,
      SKIPPED,
    ],
  ],
  [
    'retries 3.5',
    keepalive({ retries: 3.5 }),
    [
      `${KEEPALIVE}.retries: Invalid value: "number": ${KEEPALIVE}.retries in body must be of type integer: "number"`,
      SKIPPED,
    ],
  ],
  [
    'time below a second',
    keepalive({ time: '500ms' }),
    [`${KEEPALIVE}.time: Invalid value: "string": time must be at least 1 second, got 500ms`],
  ],
  [
    'interval below a second',
    keepalive({ interval: '0s' }),
    [`${KEEPALIVE}.interval: Invalid value: "string": interval must be at least 1 second, got 0s`],
  ],
  [
    'a part of a second',
    keepalive({ time: '1500ms' }),
    [
      `${KEEPALIVE}.time: Invalid value: "string": time must be a whole number of seconds, because a socket keeps no fraction, got 1500ms`,
    ],
  ],
  ['milliseconds that make whole seconds', keepalive({ time: '2000ms' }), []],
  [
    'time above what Linux takes',
    keepalive({ time: '32768s' }),
    [
      `${KEEPALIVE}.time: Invalid value: "string": time must be at most 32767s (9h6m7s), the most that Linux accepts, got 32768s`,
    ],
  ],
  [
    'interval above what Linux takes',
    keepalive({ interval: '10h' }),
    [
      `${KEEPALIVE}.interval: Invalid value: "string": interval must be at most 32767s (9h6m7s), the most that Linux accepts, got 10h`,
    ],
  ],
  [
    'no duration',
    keepalive({ interval: '1d' }),
    [
      `${KEEPALIVE}.interval: Invalid value: "1d": ${KEEPALIVE}.interval ${PATTERN}`,
      `${KEEPALIVE}.interval: Invalid value: "string": type conversion error from 'string' to 'google.protobuf.Duration' evaluating rule: interval must be at least 1 second`,
    ],
  ],
  [
    'a number',
    keepalive({ time: 30 }),
    [
      `${KEEPALIVE}.time: Invalid value: "integer": ${KEEPALIVE}.time in body must be of type string: "integer"`,
      SKIPPED,
    ],
  ],
  [
    'too long',
    keepalive({ time: '1'.repeat(40) }),
    [`${KEEPALIVE}.time: Too long: may not be more than 32 bytes`, SKIPPED],
  ],
  ['an unknown field', keepalive({ retrys: 3 }), [`unknown ${KEEPALIVE}.retrys`]],
  [
    'every fault at once',
    keepalive({ retries: 0, time: '500ms', interval: '10h' }),
    [
      `${KEEPALIVE}.retries: Invalid value: 0: ${KEEPALIVE}.retries in body should be greater than or equal to 1`,
      `${KEEPALIVE}.time: Invalid value: "string": time must be at least 1 second, got 500ms`,
      `${KEEPALIVE}.interval: Invalid value: "string": interval must be at most 32767s (9h6m7s), the most that Linux accepts, got 10h`,
    ],
  ],
]);

const DURATIONS = ['http1IdleTimeout', 'http2KeepaliveInterval', 'http2KeepaliveTimeout', 'maxConnectionDuration'];
const SIZES = ['maxBufferSize', 'http2WindowSize', 'http2ConnectionWindowSize', 'http2MaxHeaderSize'];
const UINT32 = 'value must be at least 1 byte and fit within uint32, got';

check('frontend.http', [
  ['the tutorial', http({ http2KeepaliveInterval: '5s', http2KeepaliveTimeout: '30s' }), []],
  [
    'everything',
    http({
      maxBufferSize: '2Mi',
      http1MaxHeaders: 100,
      http1IdleTimeout: '10m',
      http1HeaderCase: 'Preserve',
      http2WindowSize: 65_535,
      http2ConnectionWindowSize: '1Mi',
      http2FrameSize: '16Ki',
      http2MaxHeaderSize: '16Ki',
      http2KeepaliveInterval: '5s',
      http2KeepaliveTimeout: '1500ms',
      maxConnectionDuration: '24h',
    }),
    [],
  ],
  [
    'nothing',
    http({}),
    [
      `${HTTP}: Invalid value: "object": at least one of the fields in [http1HeaderCase http1IdleTimeout http1MaxHeaders http2ConnectionWindowSize http2FrameSize http2KeepaliveInterval http2KeepaliveTimeout http2MaxHeaderSize http2WindowSize maxBufferSize maxConnectionDuration] must be set`,
    ],
  ],
  ...DURATIONS.map((name): Cases[number] => [
    `${name} below a second`,
    http({ [name]: '999ms' }),
    [`${HTTP}.${name}: Invalid value: "string": ${name} must be at least 1 second, got 999ms`],
  ]),
  ...DURATIONS.map((name): Cases[number] => [`${name} has no upper limit`, http({ [name]: '99999h' }), []]),
  ...SIZES.flatMap(
    (name): Cases => [
      [`${name} as a number`, http({ [name]: 1 }), []],
      [`${name} 0`, http({ [name]: 0 }), [`${HTTP}.${name}: Invalid value: "": ${UINT32} 0`]],
      [`${name} "0"`, http({ [name]: '0' }), [`${HTTP}.${name}: Invalid value: "": ${UINT32} 0`]],
      [`${name} -5`, http({ [name]: '-5' }), [`${HTTP}.${name}: Invalid value: "": ${UINT32} -5`]],
      [
        `${name} as a boolean`,
        http({ [name]: true }),
        [
          `${HTTP}.${name}: Invalid value: "boolean": ${HTTP}.${name} in body must be of type integer,string: "boolean"`,
          SKIPPED,
        ],
      ],
    ],
  ),
  ['a size above uint32', http({ maxBufferSize: '4Gi' }), [`${HTTP}.maxBufferSize: Invalid value: "": ${UINT32} 4Gi`]],
  ['the largest size', http({ maxBufferSize: 4_294_967_295 }), []],
  [
    'a window above what HTTP/2 allows',
    http({ http2WindowSize: '2Gi' }),
    [`${HTTP}.http2WindowSize: Invalid value: "": http2WindowSize must be at most 2147483647 bytes, got 2Gi`],
  ],
  [
    'a connection window above what HTTP/2 allows',
    http({ http2ConnectionWindowSize: 2_147_483_648 }),
    [
      `${HTTP}.http2ConnectionWindowSize: Invalid value: "": http2ConnectionWindowSize must be at most 2147483647 bytes, got 2147483648`,
    ],
  ],
  ['the smallest frame', http({ http2FrameSize: 16_384 }), []],
  ['the largest frame', http({ http2FrameSize: '16777215' }), []],
  [
    'a frame too small',
    http({ http2FrameSize: '15Ki' }),
    [`${HTTP}.http2FrameSize: Invalid value: "": http2FrameSize must be at least 16384 bytes, got 15Ki`],
  ],
  [
    'a frame too large',
    http({ http2FrameSize: '16Mi' }),
    [`${HTTP}.http2FrameSize: Invalid value: "": http2FrameSize must be at most 16777215 bytes, got 16Mi`],
  ],
  [
    'http1MaxHeaders 0',
    http({ http1MaxHeaders: 0 }),
    [`${HTTP}.http1MaxHeaders: Invalid value: 0: ${HTTP}.http1MaxHeaders in body should be greater than or equal to 1`],
  ],
  [
    'http1MaxHeaders 4097',
    http({ http1MaxHeaders: 4097 }),
    [
      `${HTTP}.http1MaxHeaders: Invalid value: 4097: ${HTTP}.http1MaxHeaders in body should be less than or equal to 4096`,
    ],
  ],
  [
    'a header case in lower case',
    http({ http1HeaderCase: 'preserve' }),
    [`${HTTP}.http1HeaderCase: Unsupported value: "preserve": supported values: "Lowercase", "Preserve"`, SKIPPED],
  ],
]);

test('a size that is no quantity breaks the pattern only', () => {
  const faults = faultsOf(AGENTGATEWAY_POLICY, http({ http2FrameSize: 'big' }));
  assert.equal(faults.length, 1);
  assert.match(faults[0] ?? '', /^spec\.frontend\.http\.http2FrameSize: Invalid value: "big": .* should match/);
});

check('the PROXY protocol', [
  ['all defaults', { targetRefs, frontend: { proxyProtocol: {} } }, []],
  ['each of its fields', { targetRefs, frontend: { proxyProtocol: { mode: 'Optional', version: 'All' } } }, []],
  [
    'values that it does not have',
    { targetRefs, frontend: { proxyProtocol: { mode: 'Loose', version: 'V3' } } },
    [
      'spec.frontend.proxyProtocol.mode: Unsupported value: "Loose": supported values: "Optional", "Strict"',
      'spec.frontend.proxyProtocol.version: Unsupported value: "V3": supported values: "All", "V1", "V2"',
      SKIPPED,
    ],
  ],
]);

const tls = (fields: Json): Json => ({ targetRefs, frontend: { tls: fields } });
const TLS = 'spec.frontend.tls';
const CIPHER_SUITES = [
  ...['TLS13_AES_128_GCM_SHA256', 'TLS13_AES_256_GCM_SHA384', 'TLS13_CHACHA20_POLY1305_SHA256'],
  ...['ECDSA', 'RSA'].flatMap((key) =>
    ['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'CHACHA20_POLY1305_SHA256'].map(
      (cipher) => `TLS_ECDHE_${key}_WITH_${cipher}`,
    ),
  ),
];

check('frontend.tls', [
  [
    'each of its fields',
    tls({
      alpnProtocols: ['h2', 'http/1.1'],
      cipherSuites: ['TLS13_AES_128_GCM_SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
      handshakeTimeout: '5s',
      keyExchangeGroups: ['X25519', 'P-256', 'P-384'],
      minProtocolVersion: '1.2',
      maxProtocolVersion: '1.3',
    }),
    [],
  ],
  [
    'none of them',
    tls({}),
    [
      `${TLS}: Invalid value: "object": at least one of the fields in [alpnProtocols cipherSuites handshakeTimeout keyExchangeGroups maxProtocolVersion minProtocolVersion] must be set`,
    ],
  ],
  [
    'a handshake that may take no time',
    tls({ handshakeTimeout: '99ms' }),
    [`${TLS}.handshakeTimeout: Invalid value: "string": handshakeTimeout must be at least 100ms, got 99ms`],
  ],
  [
    'values that it does not have',
    tls({ minProtocolVersion: '1.1', cipherSuites: ['RC4'], alpnProtocols: [] }),
    [
      `${TLS}.minProtocolVersion: Unsupported value: "1.1": supported values: "1.2", "1.3"`,
      `${TLS}.cipherSuites[0]: Unsupported value: "RC4": supported values: ${CIPHER_SUITES.map((name) => `"${name}"`).join(', ')}`,
      `${TLS}.alpnProtocols: Invalid value: 0: spec.frontend.tls.alpnProtocols in body should have at least 1 items`,
      SKIPPED,
    ],
  ],
  [
    'an oldest version that is newer than the newest',
    tls({ minProtocolVersion: '1.3', maxProtocolVersion: '1.2' }),
    [`${TLS}: Invalid value: "object": minProtocolVersion must not be newer than maxProtocolVersion`],
  ],
  [
    'a group that Node has not',
    tls({ keyExchangeGroups: ['X25519_MLKEM768'] }),
    [
      `${TLS}.keyExchangeGroups[0]: Invalid value: "string": X25519_MLKEM768 is not enforced by Pulseplane; use X25519, P-256 or P-384`,
    ],
  ],
]);

check('sections that are not enforced', [
  ['traffic', { targetRefs, frontend: { tcp }, traffic: { x: 1 } }, [`spec.traffic: ${NOT_ENFORCED}`]],
  ['backend', { targetRefs, frontend: { tcp }, backend: { auth: { x: 1 } } }, [`spec.backend.auth: ${NOT_ENFORCED}`]],
  [
    'strategy',
    { targetRefs, frontend: { tcp }, strategy: { inheritance: 'Override' } },
    [
      `spec.strategy: ${NOT_ENFORCED}`,
      'spec: Invalid value: "object": strategy.inheritance may only be set on traffic policies',
    ],
  ],
  ...['accessLog', 'tracing', 'metrics', 'networkAuthorization', 'connect'].map((name): Cases[number] => [
    `frontend.${name}`,
    { targetRefs, frontend: { [name]: {} } },
    [`spec.frontend.${name}: ${NOT_ENFORCED}`],
  ]),
  ['traffic alone', { targetRefs, traffic: {} }, [`spec.traffic: ${NOT_ENFORCED}`]],
  [
    'an unknown field of one',
    { targetRefs, strategy: { x: 1 }, frontend: { tcp } },
    [`spec.strategy: ${NOT_ENFORCED}`],
  ],
  ['a section that nobody has', { targetRefs, frontend: { tcp, quic: {} } }, ['unknown spec.frontend.quic']],
]);

check('the whole spec', [
  [
    'no section',
    { targetRefs },
    ['spec: Invalid value: "object": At least one of traffic, frontend, or backend must be provided.'],
  ],
  [
    'an empty frontend',
    { targetRefs, frontend: {} },
    [
      'spec.frontend: Invalid value: "object": at least one of the fields in [accessLog connect http metrics networkAuthorization proxyProtocol tcp tls tracing] must be set',
    ],
  ],
  [
    'no target',
    { frontend: { tcp } },
    ['spec: Invalid value: "object": exactly one of the fields in [targetRefs targetSelectors] must be set'],
  ],
  [
    'both kinds of target',
    { targetRefs, targetSelectors: [selector], frontend: { tcp } },
    ['spec: Invalid value: "object": exactly one of the fields in [targetRefs targetSelectors] must be set'],
  ],
  [
    'no list',
    { targetRefs: gateway, frontend: { tcp } },
    ['spec.targetRefs: Invalid value: "object": spec.targetRefs in body must be of type array: "object"', SKIPPED],
  ],
]);

const FRONTEND_KIND = `spec: Invalid value: "object": the 'frontend' field can only target a Gateway, not`;
const KINDS =
  'Invalid value: "array": targetRefs may only reference Gateway, HTTPRoute, GRPCRoute, ListenerSet, Service, AgentgatewayBackend, or InferencePool resources';

check('targetRefs', [
  ['a port', targets({ ...gateway, port: 3000 }), []],
  ['several gateways', targets(gateway, { ...gateway, name: 'other' }), []],
  ['none', targets(), ['spec.targetRefs: Invalid value: 0: spec.targetRefs in body should have at least 1 items']],
  [
    '17',
    targets(...Array.from({ length: 17 }, () => gateway)),
    ['spec.targetRefs: Too many: 17: must have at most 16 items', SKIPPED],
  ],
  ['no name', targets({ group: gateway.group, kind: 'Gateway' }), ['spec.targetRefs[0].name: Required value', SKIPPED]],
  [
    'no group and kind',
    targets({ name: 'x' }),
    ['spec.targetRefs[0].group: Required value', 'spec.targetRefs[0].kind: Required value', SKIPPED],
  ],
  ['a route', targets({ ...gateway, kind: 'HTTPRoute' }), [`${FRONTEND_KIND} HTTPRoute`]],
  [
    'a backend',
    targets({ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'x' }),
    [`${FRONTEND_KIND} AgentgatewayBackend`],
  ],
  [
    'a service',
    targets({ group: '', kind: 'Service', name: 'x' }),
    [
      `${FRONTEND_KIND} Service`,
      'spec: Invalid value: "object": targets of kind Service are not supported by Pulseplane',
    ],
  ],
  [
    'a kind that nobody has',
    targets({ ...gateway, kind: 'Pod' }),
    [`spec.targetRefs: ${KINDS}`, `${FRONTEND_KIND} Pod`],
  ],
  ['a gateway of another group', targets({ ...gateway, group: 'example.com' }), [`spec.targetRefs: ${KINDS}`]],
  [
    'two kinds',
    targets(gateway, { ...gateway, kind: 'HTTPRoute' }),
    [
      'spec.targetRefs: Invalid value: "array": Only one Kind of targetRef can be set on one policy',
      `${FRONTEND_KIND} another kind`,
    ],
  ],
  ['a listener', targets({ ...gateway, sectionName: 'http' }), [LISTENER]],
  [
    'a listener and a port',
    targets({ ...gateway, sectionName: 'http', port: 80 }),
    [
      'spec.targetRefs[0]: Invalid value: "object": at most one of the fields in [sectionName port] may be set',
      LISTENER,
    ],
  ],
  [
    'port 0',
    targets({ ...gateway, port: 0 }),
    ['spec.targetRefs[0].port: Invalid value: 0: spec.targetRefs[0].port in body should be greater than or equal to 1'],
  ],
  [
    'port 65536',
    targets({ ...gateway, port: 65_536 }),
    [
      'spec.targetRefs[0].port: Invalid value: 65536: spec.targetRefs[0].port in body should be less than or equal to 65535',
    ],
  ],
  [
    'a port and another section',
    { targetRefs: [{ ...gateway, port: 80 }], frontend: { tcp }, traffic: {} },
    [
      `spec.traffic: ${NOT_ENFORCED}`,
      'spec: Invalid value: "object": port may only be set on frontend-only policies (not traffic or backend)',
    ],
  ],
  ['a namespace', targets({ ...gateway, namespace: 'other' }), ['unknown spec.targetRefs[0].namespace']],
]);

const selecting = (...selectors: readonly Json[]): Json => ({ targetSelectors: selectors, frontend: { tcp } });

check('targetSelectors', [
  ['labels', selecting(selector), []],
  ['a port', selecting({ ...selector, port: 3000 }), []],
  [
    'no labels',
    selecting({ group: gateway.group, kind: 'Gateway' }),
    ['spec.targetSelectors[0].matchLabels: Required value', SKIPPED],
  ],
  [
    'a label that is a number',
    selecting({ ...selector, matchLabels: { a: 1 } }),
    [
      'spec.targetSelectors[0].matchLabels.a: Invalid value: "integer": spec.targetSelectors[0].matchLabels.a in body must be of type string: "integer"',
      SKIPPED,
    ],
  ],
  [
    'none',
    selecting(),
    ['spec.targetSelectors: Invalid value: 0: spec.targetSelectors in body should have at least 1 items'],
  ],
  ['a route', selecting({ ...selector, kind: 'HTTPRoute' }), [`${FRONTEND_KIND} HTTPRoute`]],
  [
    'a kind that nobody has',
    selecting({ ...selector, kind: 'Pod' }),
    [`spec.targetSelectors: ${KINDS}`, `${FRONTEND_KIND} Pod`],
  ],
  [
    'two kinds',
    selecting(selector, { ...selector, kind: 'HTTPRoute' }),
    [
      'spec.targetSelectors: Invalid value: "array": Only one Kind of targetRef can be set on one policy',
      `${FRONTEND_KIND} another kind`,
    ],
  ],
  ['a listener', selecting({ ...selector, sectionName: 'http' }), [LISTENER]],
]);

test('a policy gets no defaults: what is absent is the default of the worker', () => {
  const spec = { targetRefs, frontend: { tcp: { keepalive: {} } } };
  assert.deepEqual(validateSpec(AGENTGATEWAY_POLICY, spec).object.spec, spec);
});
