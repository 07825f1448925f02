import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json } from '../object.ts';
import { faultsOf, faultsOfSection } from '../testing/faults.ts';
import { AGENTGATEWAY_POLICY } from './agentgateway-policy.ts';

const targetRefs = [{ group: '', kind: 'Service', name: 'upstream' }];
const NOT_ENFORCED = 'Forbidden: not enforced by Pulseplane; remove it';
const TLS = 'spec.backend.tls: Invalid value: "object":';

/** Faults of a policy with a backend section, besides that which says that it is not enforced. */
function faults(backend: Json, refs: readonly Json[] = targetRefs): readonly string[] {
  return faultsOf(AGENTGATEWAY_POLICY, { targetRefs: refs, backend }).filter((fault) => !fault.endsWith(NOT_ENFORCED));
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
    [/^spec\.backend\.http\.version: Unsupported value: "HTTP3": supported values: "HTTP1", "HTTP2"$/],
  ],
  ['tls', { tls: { sni: 'a.example.com', caCertificateRefs: [{ name: 'a' }], verifySubjectAltNames: ['a'] } }, []],
  [
    'a wildcard as the server name',
    { tls: { sni: '*.example.com' } },
    [/^spec\.backend\.tls\.sni: Invalid value: "\*\.example\.com": .* should match/],
  ],
  [
    'no verification with authorities',
    { tls: { insecureSkipVerify: 'All', caCertificateRefs: [{ name: 'a' }] } },
    [`${TLS} insecureSkipVerify All and caCertificateRefs may not be set together`],
  ],
  [
    'no verification with names',
    { tls: { insecureSkipVerify: 'Hostname', verifySubjectAltNames: ['a'] } },
    [
      `${TLS} insecureSkipVerify and verifySubjectAltNames may not be set together`,
      `${TLS} at most one of the fields in [verifySubjectAltNames insecureSkipVerify] may be set`,
    ],
  ],
  [
    'SPIFFE with authorities',
    { tls: { certificateSource: 'SPIFFE', caCertificateRefs: [{ name: 'a' }] } },
    [
      `${TLS} certificateSource SPIFFE may not be combined with mtlsCertificateRef, caCertificateRefs, or insecureSkipVerify`,
    ],
  ],
  [
    'a credential of a group without a kind',
    { tls: { mtlsCertificateRef: [{ group: 'example.com', name: 'a' }] } },
    [
      'spec.backend.tls.mtlsCertificateRef[0]: Invalid value: "object": custom credential refs must set both group and kind',
    ],
  ],
  [
    'two credentials',
    { tls: { mtlsCertificateRef: [{ name: 'a' }, { name: 'b' }] } },
    [/^spec\.backend\.tls\.mtlsCertificateRef: Too many: 2: must have at most 1 items$/],
  ],
];

describe('backend', () => {
  for (const [name, backend, expected] of CASES) {
    test(name, () => {
      const found = faultsOfSection(AGENTGATEWAY_POLICY, 'backend', backend);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const [index, fault] of expected.entries()) {
        if (typeof fault === 'string') assert.equal(found[index], fault);
        else assert.match(found[index] ?? '', fault);
      }
    });
  }

  test('is refused by name, whatever is wrong in it', () => {
    assert.deepEqual(faultsOf(AGENTGATEWAY_POLICY, { targetRefs, backend: { tcp: { keepalive: 5 }, other: 1 } }), [
      `spec.backend: ${NOT_ENFORCED}`,
    ]);
  });

  for (const section of ['ai', 'mcp']) {
    test(`${section} may not be on a service`, () => {
      assert.deepEqual(faults({ [section]: {} }), [
        `spec: Invalid value: "object": backend.${section} may not be used with a Service target`,
      ]);
    });
  }

  test('on a section of a service needs a port number', () => {
    const rule = 'Service sectionName must be a numeric port from 1 to 65535';
    const on = (sectionName: string): readonly Json[] => [{ ...targetRefs[0], sectionName }];
    assert.deepEqual(faults({ tcp: {} }, on('8080')), []);
    assert.deepEqual(faults({ tcp: {} }, on('65536')), [`spec: Invalid value: "object": ${rule}`]);
    assert.match(faults({ tcp: {} }, on('http')).join(), new RegExp(`evaluating rule: ${rule}$`));
  });

  test('mcp may not be on a section of a backend', () => {
    const target = { group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'a' };
    const found = faults({ mcp: {} }, [{ ...target, sectionName: 'x' }]);
    assert.deepEqual(found, [
      'spec: Invalid value: "object": backend.mcp may not target an AgentgatewayBackend sectionName',
    ]);
  });
});
