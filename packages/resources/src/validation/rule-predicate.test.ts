import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../object.ts';
import { RESOURCE_KINDS } from '../registry.ts';
import { parseCel } from './cel.ts';
import type { Plan } from './plan.ts';
import { compilePredicate } from './rule-predicate.ts';
import { toCel } from './rules.ts';

/** Values that rules tell apart, good and bad. */
const TEXTS = [
  ...['', 'a', 'b', 'http', 'HTTP', 'TCP', 'TLS', 'a.example.com', '*.example.com', '8080', '0', 'Terminate'],
  ...['Gateway', 'HTTPRoute', 'Service', 'AgentgatewayBackend', 'Pod', 'gateway.networking.k8s.io', 'agentgateway.dev'],
  ...['/', '/a', '/a//b', '/./', '/..', '/a%2f', '/a#', 'a b', 'Exact', 'PathPrefix', 'RegularExpression'],
  ...['0s', '1ms', '99ms', '100ms', '999ms', '1s', '1500ms', '30s', '32767s', '32768s', '10h', '1d', '1.5s', '99999h'],
  ...[
    '1',
    '-5',
    '16Ki',
    '16383',
    '16384',
    '16Mi',
    '4Gi',
    '1e3',
    'big',
    'All',
    'Hostname',
    'SPIFFE',
    'Inline',
    'Secret',
  ],
];
const texts = fc.constantFrom(...TEXTS);
const anything: fc.Arbitrary<Json> = fc.oneof(texts, fc.integer(), fc.boolean(), fc.constant({}), fc.constant([]));

/** Values of about the shape of a schema: every field may be missing, some are of another type. */
function valuesOf(plan: Plan): fc.Arbitrary<Json> {
  return fc.oneof({ arbitrary: wellTyped(plan), weight: 12 }, { arbitrary: anything, weight: 1 });
}

function wellTyped({ schema, type, fields, items, additional }: Plan): fc.Arbitrary<Json> {
  switch (type) {
    case 'object': {
      if (additional !== undefined) return fc.dictionary(texts, valuesOf(additional), { maxKeys: 2 });
      const known = [...fields].map(([name, field]): [string, fc.Arbitrary<Json>] => [name, valuesOf(field)]);
      return fc.record(Object.fromEntries(known), { requiredKeys: [], noNullPrototype: true });
    }
    case 'array':
      return fc.array(items === undefined ? anything : valuesOf(items), { maxLength: 3 });
    case 'string':
      return schema.enum === undefined ? texts : fc.constantFrom(...schema.enum);
    case 'integer':
      return fc.constantFrom(0, 1, 2, 80, 65_535, 4_294_967_295, 4_294_967_296);
    case 'int-or-string':
      return fc.oneof(texts, fc.constantFrom(-1, 0, 1, 16_384, 4_294_967_296));
    default:
      return anything;
  }
}

describe('a predicate that says yes agrees with CEL', () => {
  for (const { kind, plan } of RESOURCE_KINDS) {
    for (const [path, part] of ruled(plan, kind)) {
      test(path, () => {
        fc.assert(
          fc.property(valuesOf(part), (value) => {
            for (const { holds, program, message } of part.rules) {
              if (holds?.(value) === true) assert.equal(program({ self: toCel(part.schema, value) }), true, message);
            }
          }),
          { numRuns: 300 },
        );
      });
    }
  }
});

function ruled(plan: Plan, path: string): readonly (readonly [string, Plan])[] {
  const parts: [string, Plan][] = [...plan.fields].map(([name, field]) => [`${path}.${name}`, field]);
  if (plan.items !== undefined) parts.push([`${path}[]`, plan.items]);
  const below = parts.flatMap(([name, part]) => ruled(part, name));
  return plan.rules.length > 0 ? [[path, plan], ...below] : below;
}

test('most rules have a predicate, so that CEL is not needed for a good object', () => {
  const rules = RESOURCE_KINDS.flatMap(({ plan, kind }) => ruled(plan, kind)).flatMap(([, { rules }]) => rules);
  const slow = rules.filter(({ holds }) => holds === undefined);
  assert.ok(slow.length * 10 < rules.length, `${slow.length} of ${rules.length} rules need CEL`);
});

const CASES: readonly (readonly [rule: string, self: Json, holds: boolean | undefined])[] = [
  ['has(self.a) && self.a == 1', { a: 1 }, true],
  ['has(self.a) && self.a == 1', { a: 2 }, false],
  ['self.a == 1', {}, false],
  ['!(self.a == 1)', {}, false],
  ["!(self.a == 'x')", { a: 1 }, false],
  ['!has(self.a.b)', {}, false],
  ['!has(self.a.b)', { a: {} }, true],
  ["self in ['a', 'b']", 'b', true],
  ["!(self in ['a', 'b'])", 1, false],
  ['self.all(x, x > 1)', [2, 3], true],
  ['self.all(x, x > 1)', [2, 1], false],
  ['self.all(x, self.exists_one(y, x == y))', ['a', 'b'], true],
  ['self.all(x, self.exists_one(y, x == y))', ['a', 'a'], false],
  ['self.exists(x, x.a)', [{ a: true }], undefined],
  ["duration(self) >= duration('1s')", '1000ms', true],
  ["duration(self) >= duration('1s')", '1.5s', false],
  ["!quantity(string(self)).isLessThan(quantity('16384'))", 16_384, true],
  ['[has(self.a),has(self.b)].filter(x,x==true).size() == 1', { b: 1 }, true],
  ['[has(self.a),has(self.b)].filter(x,x==true).size() == 1', { a: 1, b: 1 }, false],
  ['self.size() > 0', 'a', false],
  ['(self.size() > 1 ? self[1].a.size() : 0) + 1 == 3', [{}, { a: [1, 2] }], true],
  ['self[0].a == 1', [], false],
  ["(!has(self.a) || self.a == '') == (!has(self.b) || self.b == '')", { a: '' }, true],
  ["(!has(self.a) || self.a == '') == (!has(self.b) || self.b == '')", { a: 'x' }, false],
  ['int(self) >= 1 && int(self) <= 65535', '8080', true],
  ['int(self) >= 1', 'http', false],
  ["self.startsWith('/') && !self.endsWith('/.') && self.contains('a') && self.matches('^/a+$')", '/aa', true],
];

for (const [rule, self, expected] of CASES) {
  test(`${rule} of ${JSON.stringify(self)}`, () => {
    assert.equal(compilePredicate(parseCel(rule).ast)?.(self), expected);
  });
}
