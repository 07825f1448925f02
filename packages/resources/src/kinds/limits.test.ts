import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Json } from '../object.ts';
import { RESOURCE_KINDS } from '../registry.ts';
import { validateSpec } from '../testing/faults.ts';
import type { JsonSchema } from '../validation/json-schema.ts';
import type { ResourceKind } from './resource-kind.ts';

/** The limits of one field. `refuses` is text that its pattern does not take. */
type Limits = {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly refuses?: string;
  readonly enum?: readonly (string | number)[];
  readonly required?: readonly string[];
};

/** Every limit of every kind's spec, by kind and path; `[]` stands for any item. */
const TABLE = JSON.parse(readFileSync(new URL('./limits.test.json', import.meta.url), 'utf8')) as {
  readonly [kind: string]: { readonly [path: string]: Limits };
};

for (const kind of RESOURCE_KINDS) {
  const spec = kind.schema.properties?.['spec'];
  if (spec === undefined) continue;
  describe(`limits of ${kind.kind}`, () => {
    test('each has a row', () => assert.deepEqual(Object.fromEntries(limitsOf(spec, 'spec')), TABLE[kind.kind]));

    for (const [path, limits] of Object.entries(TABLE[kind.kind] ?? {})) {
      for (const [name, good, bad, fault] of probes(limits)) {
        test(`${path} ${name}`, () => {
          const field = name.startsWith('required') ? `${path}.${name.slice('required '.length)}` : path;
          assert.match(faultsAt(kind, path, field, bad), fault);
          assert.doesNotMatch(faultsAt(kind, path, field, good), fault);
        });
      }
    }
  });
}

type Probe = readonly [name: string, good: Json, bad: Json, fault: RegExp];

/** A value at each limit and one beyond it. */
function probes({ minimum, maximum, minLength, maxLength, minItems, maxItems, ...rest }: Limits): readonly Probe[] {
  const all: Probe[] = [];
  const items = (count: number): Json => Array.from({ length: count }, () => ({}));
  if (minimum !== undefined) all.push(['minimum', minimum, minimum - 1, /greater than or equal to/]);
  if (maximum !== undefined) all.push(['maximum', maximum, maximum + 1, /less than or equal to/]);
  if (minLength !== undefined) all.push(['minLength', 'a'.repeat(minLength), 'a'.repeat(minLength - 1), /at least/]);
  if (maxLength !== undefined) all.push(['maxLength', 'a'.repeat(maxLength), 'a'.repeat(maxLength + 1), /^Too long/m]);
  if (minItems !== undefined) all.push(['minItems', items(minItems), items(minItems - 1), /at least/]);
  if (maxItems !== undefined) all.push(['maxItems', items(maxItems), items(maxItems + 1), /^Too many/m]);
  if (rest.refuses !== undefined) all.push(['pattern', 1, rest.refuses, /should match/]);
  if (rest.enum !== undefined) all.push(['enum', rest.enum[0] ?? '', 'no such choice', /^Unsupported value/m]);
  for (const name of rest.required ?? []) all.push([`required ${name}`, { [name]: 'a' }, {}, /^Required value/m]);
  return all;
}

/** What is said of one field of a spec that has little else than a value at the path. */
function faultsAt(kind: ResourceKind, path: string, field: string, value: Json): string {
  const at = field.replaceAll('[]', '[0]');
  const { errors } = validateSpec(kind, path === 'spec' ? value : around(path.split('.').slice(1), value));
  return errors.flatMap((error) => (error.field === at ? [error.message] : [])).join('\n');
}

function around([step = '', ...rest]: readonly string[], value: Json): Json {
  const inner = rest.length === 0 ? value : around(rest, value);
  return step.endsWith('[]') ? { [step.slice(0, -2)]: [inner] } : { [step]: inner };
}

function limitsOf(schema: JsonSchema, path: string): readonly (readonly [string, Limits])[] {
  if (schema['x-pulseplane-not-enforced'] === true) return [];
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, pattern, required, enum: choices } = schema;
  const limits: Limits = JSON.parse(
    JSON.stringify({
      ...{ minimum, maximum, minLength, maxLength, minItems, maxItems, enum: choices, required },
      ...(pattern !== undefined && { refuses: '\u00a7' }),
    }),
  );
  const own = Object.keys(limits).length === 0 ? [] : [[path, limits] as const];
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => limitsOf(field, `${path}.${name}`));
  const { items } = schema;
  return [...own, ...fields, ...(items === undefined ? [] : limitsOf(items, `${path}[]`))];
}
