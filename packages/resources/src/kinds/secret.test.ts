import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Json, JsonObject } from '../object.ts';
import { validateObject } from '../validation/validate-object.ts';
import { SECRET } from './secret.ts';

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n';
const good = { 'tls.crt': btoa(CERTIFICATE), 'tls.key': btoa(KEY) };
const type = 'kubernetes.io/tls';

const secret = (content: JsonObject): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'x', namespace: 'default' },
  ...content,
});
const faults = (content: JsonObject): readonly string[] => {
  const { errors, unknown } = validateObject(SECRET, secret(content));
  return [...errors.map(({ field, message }) => `${field}: ${message}`), ...unknown.map((path) => `unknown ${path}`)];
};

const CASES: readonly (readonly [name: string, content: JsonObject, faults: readonly (string | RegExp)[]])[] = [
  ['a certificate and its key', { type, data: good }, []],
  ['the same as text', { type, stringData: { 'tls.crt': CERTIFICATE, 'tls.key': KEY } }, []],
  ['an RSA key', { type, data: { ...good, 'tls.key': btoa(KEY.replaceAll('PRIVATE', 'RSA PRIVATE')) } }, []],
  [
    'no type',
    { data: good },
    ['type: Invalid value: "Opaque": must be kubernetes.io/tls; other types are not supported'],
  ],
  ['no data', { type }, ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
  ['no key', { type, data: { 'tls.crt': good['tls.crt'] } }, ['data[tls.key]: Required value']],
  [
    'no base64',
    { type, data: { ...good, 'tls.key': '???' } },
    ['data[tls.key]: Invalid value: "<hidden>": must be base64'],
  ],
  [
    'no PEM',
    { type, data: { ...good, 'tls.crt': btoa('x') } },
    ['data[tls.crt]: Invalid value: "<hidden>": must be in PEM'],
  ],
  [
    'a bad name',
    { type, data: { ...good, 'a b': '' } },
    [/^data\[a b\]: Invalid value: "a b": a valid config key must consist of/],
  ],
  [
    'too much',
    { type, data: { ...good, x: 'AAAA'.repeat(400_000) } },
    ['data: Too long: may not be more than 1048576 bytes'],
  ],
  [
    'a number',
    { type, data: { ...good, x: 5 } },
    [/^data\.x: Invalid value: "integer": data\.x in body must be of type string/],
  ],
  ['an unknown field', { type, data: good, spec: {} }, ['unknown spec']],
];

describe('a secret with', () => {
  for (const [name, content, expected] of CASES) {
    test(name, () => {
      const found = faults(content);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const [index, fault] of expected.entries()) {
        if (typeof fault === 'string') assert.equal(found[index], fault);
        else assert.match(found[index] ?? '', fault);
      }
    });
  }
});

test('text is kept as data, and wins', () => {
  const { object } = validateObject(SECRET, secret({ type, data: { ...good, a: '' }, stringData: { a: 'é' } }));
  assert.deepEqual(object, secret({ type, data: { ...good, a: 'w6k=' } }));
});

test('no fault holds a value', () => {
  const value = fc.oneof(fc.string({ minLength: 12 }), fc.array(fc.string({ minLength: 12 }), { minLength: 1 }));
  const values = fc.dictionary(fc.constantFrom('tls.crt', 'tls.key', 'a b', '..'), value as fc.Arbitrary<Json>);
  fc.assert(
    fc.property(values, values, (data, stringData) => {
      const said = faults({ type, data, stringData }).join('\n');
      for (const text of [data, stringData].flatMap((map) => Object.values(map).flat())) {
        assert.ok(!said.includes(String(text)), said);
      }
    }),
  );
});

describe('a Secret that is written again', () => {
  const other = { ...good, 'tls.key': btoa(KEY.replace('BBBB', 'CCCC')) };
  const CHANGES: readonly (readonly [string, before: JsonObject, after: JsonObject, faults: readonly string[]])[] = [
    ['with another key', { type, data: good }, { type, data: other }, []],
    ['and made immutable', { type, data: good }, { type, data: good, immutable: true }, []],
    ['immutable, as it is', { type, data: good, immutable: true }, { type, data: good, immutable: true }, []],
    [
      'immutable, with another key',
      { type, data: good, immutable: true },
      { type, data: other, immutable: true },
      ['data: Forbidden: field is immutable when `immutable` is set'],
    ],
    [
      'immutable, and then not',
      { type, data: good, immutable: true },
      { type, data: good },
      ['immutable: Forbidden: field is immutable when `immutable` is set'],
    ],
    [
      'with another type',
      { type, data: good },
      { type: 'Opaque', data: good },
      [
        'type: Invalid value: "Opaque": must be kubernetes.io/tls; other types are not supported',
        'type: Invalid value: "Opaque": field is immutable',
      ],
    ],
  ];
  for (const [name, before, after, expected] of CHANGES) {
    test(name, () => {
      const { object } = validateObject(SECRET, secret(before));
      const { errors } = validateObject(SECRET, secret(after), object);
      assert.deepEqual(
        errors.map(({ field, message }) => `${field}: ${message}`),
        expected,
      );
    });
  }
});
