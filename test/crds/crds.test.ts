import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';
import { load } from 'js-yaml';
import { CRD_FOLDER, renderCrds } from './render-crds.ts';

const ROOT = join(import.meta.dirname, '../..');

test('examples/crds is what the schemas generate', () => {
  const expected = renderCrds();
  assert.deepEqual(readdirSync(join(ROOT, CRD_FOLDER)).sort(), [...expected.keys()].sort());
  for (const [file, text] of expected) {
    assert.equal(readFileSync(join(ROOT, CRD_FOLDER, file), 'utf8'), text, `${file} is stale: npm run generate`);
  }
});

describe('schemas are structural, as Kubernetes requires of CustomResourceDefinitions', () => {
  for (const [file, text] of renderCrds()) {
    test(file, () => {
      const { spec } = load(text) as { spec: { versions: { schema: { openAPIV3Schema: JsonObject } }[] } };
      for (const { schema } of spec.versions) assert.deepEqual(structuralFaults(schema.openAPIV3Schema, ''), []);
    });
  }

  const FAULTY: readonly (readonly [schema: JsonObject, fault: RegExp])[] = [
    [{ type: 'object', properties: { a: {} } }, /^\.a: has no type/],
    [{ type: 'object', properties: { a: { $ref: '#/x' } } }, /^\.a: .*\$ref/],
    [{ type: 'object', properties: { metadata: { type: 'object', properties: {} } } }, /^\.metadata:/],
    [{ type: 'object', properties: {}, additionalProperties: { type: 'string' } }, /both/],
    [{ type: 'array', items: { type: 'string' }, uniqueItems: true }, /uniqueItems/],
    [{ type: 'array' }, /no items/],
    [
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['a'],
        items: { type: 'object', properties: { a: { type: 'string' } } },
      },
      /key a/,
    ],
    [{ type: 'string', 'x-pulseplane-not-enforced': true }, /x-pulseplane/],
    [{ type: 'string', anyOf: [{ type: 'integer' }] }, /has anyOf/],
  ];
  for (const [schema, fault] of FAULTY) {
    test(`a schema that is not: ${JSON.stringify(schema)}`, () =>
      assert.match(structuralFaults(schema, '').join(), fault));
  }
});

const ALLOWED = new Set([
  ...['type', 'description', 'default', 'format', 'properties', 'required', 'additionalProperties', 'items', 'enum'],
  ...['pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems', 'maxProperties'],
  ...['int-or-string', 'preserve-unknown-fields', 'list-type', 'list-map-keys', 'map-type', 'validations'].map(
    (name) => `x-kubernetes-${name}`,
  ),
]);

/** https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
function structuralFaults(schema: JsonObject, path: string): readonly string[] {
  const { type, properties, items, additionalProperties } = schema;
  const faults = Object.keys(schema)
    .filter((word) => !ALLOWED.has(word))
    .map((word) => `${path}: has ${word}`);
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  if (typeof type !== 'string' && !intOrString) faults.push(`${path}: has no type`);
  if (type === 'array' && !isJsonObject(items)) faults.push(`${path}: has no items`);
  if (properties !== undefined && additionalProperties !== undefined)
    faults.push(`${path}: has both kinds of properties`);
  if (path === '.metadata' && Object.keys(schema).join() !== 'type') faults.push(`${path}: may have a type only`);
  for (const key of asList(schema['x-kubernetes-list-map-keys'])) {
    if (!isRequired(items, String(key))) faults.push(`${path}: key ${key} is neither required nor has a default`);
  }
  const parts: (readonly [string, Json | undefined])[] = Object.entries(asObject(properties));
  if (items !== undefined) parts.push(['[]', items]);
  if (additionalProperties !== undefined) parts.push(['{}', additionalProperties]);
  return [...faults, ...parts.flatMap(([name, part]) => structuralFaults(asObject(part), `${path}.${name}`))];
}

function isRequired(items: Json | undefined, key: string): boolean {
  const { required, properties } = asObject(items);
  return asList(required).includes(key) || asObject(asObject(properties)[key])['default'] !== undefined;
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function asList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
