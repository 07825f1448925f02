import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json } from '../object.ts';
import { faultsOfSection } from '../testing/faults.ts';
import { AGENTGATEWAY_POLICY } from './agentgateway-policy.ts';
import { GATEWAY } from './gateway.ts';
import { GATEWAY_CLASS } from './gateway-class.ts';
import { HTTP_ROUTE } from './http-route.ts';
import type { ResourceKind } from './resource-kind.ts';

/** A section, a value of it, and what is wrong with that. */
type Case = readonly [kind: ResourceKind, section: string, value: Json, faults: readonly (string | RegExp)[]];

const object = 'Invalid value: "object":';
const LISTENER_TLS = 'listeners.[].tls';
const MATCHES = 'rules.[].matches.[].queryParams';

const CASES: readonly Case[] = [
  [
    AGENTGATEWAY_POLICY,
    'strategy',
    { inheritance: 'Never' },
    ['spec.strategy.inheritance: Unsupported value: "Never": supported values: "Default", "Override"'],
  ],
  [GATEWAY, `${LISTENER_TLS}.options`, { a: 'b' }, []],
  [
    GATEWAY,
    `${LISTENER_TLS}.options`,
    Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`a${index}`, ''])),
    [`spec.${LISTENER_TLS}.options: Too many: 17: must have at most 16 items`],
  ],
  [HTTP_ROUTE, 'rules.[].timeouts', { request: '1s', backendRequest: '500ms' }, []],
  [HTTP_ROUTE, 'rules.[].timeouts', { request: '0s', backendRequest: '2s' }, []],
  [
    HTTP_ROUTE,
    'rules.[].timeouts',
    { request: '1s', backendRequest: '2s' },
    [`spec.rules.[].timeouts: ${object} backendRequest timeout cannot be longer than request timeout`],
  ],
  [
    HTTP_ROUTE,
    'rules.[].timeouts',
    { request: '1.5s' },
    [/^spec\.rules\.\[\]\.timeouts\.request: Invalid value: "1\.5s": .* should match/],
  ],
  [HTTP_ROUTE, MATCHES, [{ name: 'a', value: '1' }], []],
  [
    HTTP_ROUTE,
    MATCHES,
    [
      { name: 'a', value: '1' },
      { name: 'a', value: '2', type: 'Glob' },
    ],
    [
      `spec.${MATCHES}[1].type: Unsupported value: "Glob": supported values: "Exact", "RegularExpression"`,
      `spec.${MATCHES}[1]: Duplicate value: map[string]interface {}{"name":"a"}`,
    ],
  ],
  [GATEWAY_CLASS, 'parametersRef', { group: '', kind: 'ConfigMap' }, ['spec.parametersRef.name: Required value']],
];

describe('a section that is not enforced yet has its schema already', () => {
  for (const [kind, section, value, expected] of CASES) {
    test(`${kind.kind} ${section} ${JSON.stringify(value)}`, () => {
      const faults = faultsOfSection(kind, section, value);
      assert.equal(faults.length, expected.length, faults.join('\n'));
      for (const [index, fault] of expected.entries()) {
        if (typeof fault === 'string') assert.equal(faults[index], fault);
        else assert.match(faults[index] ?? '', fault);
      }
    });
  }
});
