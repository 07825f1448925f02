import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json } from '../object.ts';
import { faultsOf, faultsOfSection } from '../testing/faults.ts';
import { AGENTGATEWAY_POLICY } from './agentgateway-policy.ts';

const GATEWAY = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'g' };
const SERVICE = { group: '', kind: 'Service', name: 'upstream' };
const NOT_ENFORCED = 'Forbidden: not enforced by Pulseplane; remove it';
const NOT_SUPPORTED = 'spec: Invalid value: "object": targets of kind Service are not supported by Pulseplane';
const TLS = 'spec.backend.tls: Invalid value: "object":';

/** Faults of a policy with a backend section; of a section that is refused, that it is. */
function faults(backend: Json, refs: readonly Json[] = [GATEWAY]): readonly string[] {
  return faultsOf(AGENTGATEWAY_POLICY, { targetRefs: refs, backend });
}

const CASES: readonly (readonly [name: string, backend: Json, faults: readonly (string | RegExp)[]])[] = [
  ['tcp', { tcp: { connectTimeout: '100ms', keepalive: { retries: 3, time: '30s', interval: '5s' } } }, []],
  ['empty tcp', { tcp: {} }, []],
  [
    'nothing',
    {},
    [
      'spec.backend: Invalid value: "object": at least one of the fields in [ai auth extAuth health http mcp tcp tls transformation tunnel] must be set',
    ],
  ],
  [
    'connectTimeout 99ms',
    { tcp: { connectTimeout: '99ms' } },
    ['spec.backend.tcp.connectTimeout: Invalid value: "string": connectTimeout must be at least 100ms, got 99ms'],
  ],
  [
    'a keepalive that Linux refuses',
    { tcp: { keepalive: { time: '10h' } } },
    [
      'spec.backend.tcp.keepalive.time: Invalid value: "string": time must be at most 32767s (9h6m7s), the most that Linux accepts, got 10h',
    ],
  ],
  ['http', { http: { requestTimeout: '1ms', version: 'HTTP2' } }, []],
  [
    'requestTimeout 0ms',
    { http: { requestTimeout: '0ms' } },
    ['spec.backend.http.requestTimeout: Invalid value: "string": requestTimeout must be at least 1ms, got 0ms'],
  ],
  [
    'a version that is none',
    { http: { version: 'HTTP3' } },
    [
      'spec.backend.http.version: Unsupported value: "HTTP3": supported values: "HTTP1", "HTTP2"',
      /^<nil>: Invalid value: "null": some validation rules were not checked/,
    ],
  ],
];

/** Refused so far; judged like this once it is enforced. */
const TLS_CASES: typeof CASES = [
  ['tls', { sni: 'a.example.com', caCertificateRefs: [{ name: 'a' }], verifySubjectAltNames: ['a'] }, []],
  [
    'a wildcard as the server name',
    { sni: '*.example.com' },
    [/^spec\.backend\.tls\.sni: Invalid value: "\*\.example\.com": .* should match/],
  ],
  [
    'no verification with authorities',
    { insecureSkipVerify: 'All', caCertificateRefs: [{ name: 'a' }] },
    [`${TLS} insecureSkipVerify All and caCertificateRefs may not be set together`],
  ],
  [
    'no verification with names',
    { insecureSkipVerify: 'Hostname', verifySubjectAltNames: ['a'] },
    [
      `${TLS} insecureSkipVerify and verifySubjectAltNames may not be set together`,
      `${TLS} at most one of the fields in [verifySubjectAltNames insecureSkipVerify] may be set`,
    ],
  ],
  [
    'SPIFFE with authorities',
    { certificateSource: 'SPIFFE', caCertificateRefs: [{ name: 'a' }] },
    [
      `${TLS} certificateSource SPIFFE may not be combined with mtlsCertificateRef, caCertificateRefs, or insecureSkipVerify`,
    ],
  ],
  [
    'a credential of a group without a kind',
    { mtlsCertificateRef: [{ group: 'example.com', name: 'a' }] },
    [
      'spec.backend.tls.mtlsCertificateRef[0]: Invalid value: "object": custom credential refs must set both group and kind',
    ],
  ],
  [
    'two credentials',
    { mtlsCertificateRef: [{ name: 'a' }, { name: 'b' }] },
    [/^spec\.backend\.tls\.mtlsCertificateRef: Too many: 2: must have at most 1 items$/],
  ],
];

describe('backend', () => {
  for (const [name, backend, expected] of CASES) {
    test(name, () => assertFaults(faults(backend), expected));
  }
  for (const [name, tls, expected] of TLS_CASES) {
    test(name, () => assertFaults(faultsOfSection(AGENTGATEWAY_POLICY, 'backend.tls', tls), expected));
  }

  test('sections that are not enforced are refused by name, whatever is wrong in them', () => {
    assert.deepEqual(faults({ tcp: {}, tls: { sni: 5 }, auth: {}, health: {} }), [
      `spec.backend.tls: ${NOT_ENFORCED}`,
      `spec.backend.auth: ${NOT_ENFORCED}`,
      `spec.backend.health: ${NOT_ENFORCED}`,
    ]);
  });

  test('may be beside frontend on a gateway, and with a section name of any kind that is supported', () => {
    const { group } = GATEWAY;
    const frontend = { tcp: { keepalive: {} } };
    assert.deepEqual(faultsOf(AGENTGATEWAY_POLICY, { targetRefs: [GATEWAY], frontend, backend: { http: {} } }), []);
    for (const kind of ['Gateway', 'HTTPRoute']) {
      assert.deepEqual(faults({ tcp: {} }, [{ group, kind, name: 'a', sectionName: 'x' }]), []);
    }
    assert.deepEqual(faults({ tcp: {} }, [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'a' }]), []);
    assert.deepEqual(faults({ tcp: {} }, [{ ...GATEWAY, port: 80 }]), [
      'spec: Invalid value: "object": port may only be set on frontend-only policies (not traffic or backend)',
    ]);
  });

  for (const [group, kind] of [
    ['', 'Service'],
    [GATEWAY.group, 'GRPCRoute'],
    [GATEWAY.group, 'ListenerSet'],
    ['inference.networking.k8s.io', 'InferencePool'],
  ] as const) {
    test(`a target of kind ${kind} is refused, by name and by labels`, () => {
      const expected = [`spec: Invalid value: "object": targets of kind ${kind} are not supported by Pulseplane`];
      assert.deepEqual(faults({ tcp: {} }, [{ group, kind, name: 'a' }]), expected);
      const targetSelectors = [{ group, kind, matchLabels: { a: 'b' } }];
      assert.deepEqual(faultsOf(AGENTGATEWAY_POLICY, { targetSelectors, backend: { tcp: {} } }), expected);
    });
  }

  for (const section of ['ai', 'mcp']) {
    test(`${section} may not be on a service`, () => {
      assert.deepEqual(faults({ [section]: {} }, [SERVICE]), [
        `spec.backend.${section}: ${NOT_ENFORCED}`,
        `spec: Invalid value: "object": backend.${section} may not be used with a Service target`,
        NOT_SUPPORTED,
      ]);
    });
  }

  test('on a section of a service needs a port number', () => {
    const rule = 'Service sectionName must be a numeric port from 1 to 65535';
    const on = (sectionName: string): readonly Json[] => [{ ...SERVICE, sectionName }];
    assert.deepEqual(faults({ tcp: {} }, on('8080')), [NOT_SUPPORTED]);
    assert.deepEqual(faults({ tcp: {} }, on('65536')), [`spec: Invalid value: "object": ${rule}`, NOT_SUPPORTED]);
    assert.match(faults({ tcp: {} }, on('http'))[0] ?? '', new RegExp(`evaluating rule: ${rule}$`));
  });

  test('mcp may not be on a section of a backend', () => {
    const target = { group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'a' };
    const found = faults({ mcp: {} }, [{ ...target, sectionName: 'x' }]);
    assert.deepEqual(found, [
      `spec.backend.mcp: ${NOT_ENFORCED}`,
      'spec: Invalid value: "object": backend.mcp may not target an AgentgatewayBackend sectionName',
    ]);
  });
});

function assertFaults(found: readonly string[], expected: readonly (string | RegExp)[]): void {
  assert.equal(found.length, expected.length, found.join('\n'));
  for (const [index, fault] of expected.entries()) {
    if (typeof fault === 'string') assert.equal(found[index], fault);
    else assert.match(found[index] ?? '', fault);
  }
}
