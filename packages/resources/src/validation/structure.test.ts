import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../object.ts';
import { planOf } from './compile-plan.ts';
import type { JsonSchema } from './json-schema.ts';
import { type Fitted, fit } from './structure.ts';

const fitToSchema = (schema: JsonSchema, value: Json, path: string): Fitted => fit(planOf(schema), value, path);

type Case = {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly value: Json;
  readonly faults: readonly string[];
};

const CASES: readonly Case[] = [
  {
    name: 'a wrong type',
    schema: { type: 'integer' },
    value: '3',
    faults: ['Invalid value: "string": spec.a in body must be of type integer: "string"'],
  },
  {
    name: 'a fraction for an integer',
    schema: { type: 'integer' },
    value: 3.5,
    faults: ['Invalid value: "number": spec.a in body must be of type integer: "number"'],
  },
  {
    name: 'a list for an object',
    schema: { type: 'object' },
    value: [],
    faults: ['Invalid value: "array": spec.a in body must be of type object: "array"'],
  },
  {
    name: 'a boolean for int-or-string',
    schema: { 'x-kubernetes-int-or-string': true },
    value: true,
    faults: ['Invalid value: "boolean": spec.a in body must be of type integer,string: "boolean"'],
  },
  {
    name: 'null in a list',
    schema: { type: 'array', items: { type: 'string' } },
    value: [null],
    faults: ['Invalid value: "null": spec.a[0] in body must be of type string: "null"'],
  },
  {
    name: 'too small',
    schema: { type: 'integer', minimum: 1 },
    value: 0,
    faults: ['Invalid value: 0: spec.a in body should be greater than or equal to 1'],
  },
  {
    name: 'too large',
    schema: { type: 'integer', maximum: 64 },
    value: 65,
    faults: ['Invalid value: 65: spec.a in body should be less than or equal to 64'],
  },
  {
    name: 'too short',
    schema: { type: 'string', minLength: 1 },
    value: '',
    faults: ['Invalid value: "": spec.a in body should be at least 1 chars long'],
  },
  {
    name: 'too long',
    schema: { type: 'string', maxLength: 2 },
    value: 'abc',
    faults: ['Too long: may not be more than 2 bytes'],
  },
  {
    name: 'a length in characters, not UTF-16 units',
    schema: { type: 'string', maxLength: 2 },
    value: '😀😀',
    faults: [],
  },
  {
    name: 'a wrong pattern',
    schema: { type: 'string', pattern: '^a+$' },
    value: 'b',
    faults: ['Invalid value: "b": spec.a in body should match \'^a+$\''],
  },
  {
    name: 'a value that is not offered',
    schema: { type: 'string', enum: ['A', 'B'] },
    value: 'C',
    faults: ['Unsupported value: "C": supported values: "A", "B"'],
  },
  {
    name: 'too few items',
    schema: { type: 'array', minItems: 1 },
    value: [],
    faults: ['Invalid value: 0: spec.a in body should have at least 1 items'],
  },
  {
    name: 'too many items',
    schema: { type: 'array', maxItems: 1, items: { type: 'string' } },
    value: [1, 2],
    faults: ['Too many: 2: must have at most 1 items'],
  },
  { name: 'a missing field', schema: { type: 'object', required: ['b'] }, value: {}, faults: ['Required value'] },
  {
    name: 'a field that is null counts as missing',
    schema: { type: 'object', properties: { b: { type: 'string' } }, required: ['b'] },
    value: { b: null },
    faults: ['Required value'],
  },
  {
    name: 'a field that is not enforced',
    schema: { type: 'object', properties: { tls: { type: 'object', 'x-pulseplane-not-enforced': true } } },
    value: { tls: {} },
    faults: ['Forbidden: not enforced by Pulseplane; remove it'],
  },
  {
    name: 'two items with the same key',
    schema: {
      type: 'array',
      items: { 'x-kubernetes-preserve-unknown-fields': true },
      'x-kubernetes-list-map-keys': ['name'],
    },
    value: [{ name: 'x' }, { name: 'y' }, { name: 'x' }],
    faults: ['Duplicate value: map[string]interface {}{"name":"x"}'],
  },
];

for (const { name, schema, value, faults } of CASES) {
  test(`structure: ${name}`, () => {
    assert.deepEqual(
      fitToSchema(schema, value, 'spec.a').errors.map(({ message }) => message),
      faults,
    );
  });
}

test('the field of a fault names list items and map keys', () => {
  const schema: JsonSchema = {
    type: 'object',
    properties: {
      list: { type: 'array', items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } },
      map: { type: 'object', additionalProperties: { type: 'string' } },
    },
  };
  const { errors } = fitToSchema(schema, { list: [{ name: 'a' }, {}], map: { x: 1 } }, 'spec');
  assert.deepEqual(
    errors.map(({ field }) => field),
    ['spec.list[1].name', 'spec.map.x'],
  );
});

test('unknown fields are listed and left out, nulls are left out, defaults are filled in', () => {
  const schema: JsonSchema = {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'x' },
      inner: {
        type: 'object',
        default: { list: [] },
        properties: { depth: { type: 'integer', default: 1 }, list: { type: 'array' } },
      },
      gone: { type: 'string' },
    },
  };
  const fitted = fitToSchema(schema, { name: null, gone: null, other: { deep: 1 }, toString: 1 }, 'spec');
  assert.deepEqual(fitted.value, { name: 'x', inner: { list: [], depth: 1 } });
  assert.deepEqual(fitted.unknown, ['spec.other', 'spec.toString']);
  assert.deepEqual(fitted.errors, []);
});

test('3.0 is an integer and minus zero is zero', () => {
  assert.equal(fitToSchema({ type: 'integer' }, JSON.parse('3.0'), 'a').value, 3);
  assert.ok(Object.is(fitToSchema({ type: 'integer' }, -0, 'a').value, 0));
});

test('a field named __proto__ is unknown and pollutes nothing', () => {
  const value = JSON.parse('{"__proto__":{"polluted":true}}') as Json;
  const fitted = fitToSchema({ type: 'object', properties: {} }, value, 'spec');
  assert.deepEqual(fitted.unknown, ['spec.__proto__']);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});
