import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, JsonSchema } from '@pulseplane/resources';
import fc from 'fast-check';
import { type Applied, applyConfiguration } from './apply.ts';
import {
  difference,
  type FieldSet,
  hasPath,
  intersection,
  LEAF,
  pathsOf,
  readFieldSet,
  setOf,
  union,
} from './field-set.ts';
import { fieldTypeOf } from './field-type.ts';
import { sameJson } from './json-value.ts';
import { fieldElement } from './path-element.ts';
import { trackUpdate } from './track.ts';
import { fieldsSetBy } from './value-fields.ts';

const text: JsonSchema = { type: 'string' };
const SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    apiVersion: text,
    kind: text,
    metadata: {
      type: 'object',
      properties: {
        name: text,
        labels: { type: 'object', additionalProperties: text },
        managedFields: { type: 'array' },
      },
    },
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer' },
        args: { type: 'array', items: text },
        tags: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
        inner: { type: 'object', properties: { a: text, b: text } },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', properties: { name: text, port: { type: 'integer' } } },
        },
      },
    },
  },
};
const TYPE = fieldTypeOf(SCHEMA);

const word = fc.constantFrom('a', 'b', 'c');
const number = fc.integer({ min: 1, max: 3 });
const record = <Shape>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }) =>
  fc.record(shape, { requiredKeys: [] });
const port = fc.record({ name: word, port: number }, { requiredKeys: ['name'] });
const spec = record({
  size: number,
  args: fc.array(word, { maxLength: 2 }),
  tags: fc.uniqueArray(word),
  inner: record({ a: word, b: word }),
  ports: fc.uniqueArray(port, { selector: ({ name }) => name }),
});
const object = fc
  .record({ labels: fc.dictionary(word, word), spec })
  .map(({ labels, spec }) => ({ apiVersion: 'x/v1', kind: 'X', metadata: { name: 'n', labels }, spec }))
  // As a request's body is read: with the prototype of every object.
  .map((made) => JSON.parse(JSON.stringify(made)) as JsonObject);
const write = fc.record({
  op: fc.constantFrom('apply', 'force', 'update'),
  manager: fc.constantFrom('m1', 'm2', 'kubectl'),
  object,
});

const setTree = fc.letrec<{ tree: FieldSet }>((tie) => ({
  tree: fc
    .dictionary(word, fc.oneof({ maxDepth: 3 }, fc.constant(LEAF), tie('tree')), { maxKeys: 3 })
    .chain((fields) => fc.boolean().map((self) => ({ ...(self && { '.': {} }), ...fields })))
    .map((fields) =>
      Object.fromEntries(
        Object.entries(fields).map(([name, node]) => [name === '.' ? name : fieldElement(name), node]),
      ),
    ),
})).tree;
const set = setTree.map((tree) => readFieldSet(tree) ?? LEAF);

const paths = (of: FieldSet): readonly string[] =>
  pathsOf(of)
    .map((path) => path.join(' '))
    .sort();

test('sets are sets: union, difference and intersection go by the ways to their fields', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const [inA, inB] = [new Set(paths(a)), new Set(paths(b))];
      assert.deepEqual(paths(union(a, b)), [...new Set([...inA, ...inB])].sort());
      assert.deepEqual(
        paths(difference(a, b)),
        [...inA].filter((path) => !inB.has(path)),
      );
      assert.deepEqual(
        paths(intersection(a, b)),
        [...inA].filter((path) => inB.has(path)),
      );
    }),
  );
});

test('a set has one form: results are as if read anew, and reading does not mind the order', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      for (const made of [a, union(a, b), difference(a, b), intersection(a, b)]) {
        assert.equal(JSON.stringify(readFieldSet(made)), JSON.stringify(made));
        const reversed = JSON.parse(JSON.stringify(made), (_, node: FieldSet) =>
          Object.fromEntries(Object.entries(node).reverse()),
        );
        assert.equal(JSON.stringify(readFieldSet(reversed)), JSON.stringify(made));
        assert.equal(JSON.stringify(setOf(Object.entries(made))), JSON.stringify(made));
      }
    }),
  );
});

test('what is applied is so, is owned by who applied it, and applying it again changes nothing', () => {
  fc.assert(
    fc.property(fc.array(object, { maxLength: 4 }), object, (updates, config) => {
      const writes = updates.map((written) => ({ op: 'update', manager: 'm', object: written }));
      const live = writes.reduce<JsonObject | undefined>(perform, undefined);
      const applied = apply(live, 'kubectl', config, true);
      assert.ok(applied.kind === 'applied');
      const isSo = apply(withOwners(applied.object, []), 'other', config, false);
      assert.ok(isSo.kind === 'applied' && sameJson(isSo.object, applied.object));
      const owned = applied.managedFields.find(({ operation }) => operation === 'Apply')?.fieldsV1 ?? LEAF;
      const wanted = pathsOf(fieldsSetBy(TYPE, config)).filter(([, second]) => second !== 'f:name');
      for (const path of wanted) {
        assert.ok(path.length === 1 || hasPath(owned, path), path.join(' '));
      }
      const again = apply(withOwners(applied.object, applied.managedFields), 'kubectl', config, false);
      assert.ok(again.kind === 'applied' && sameJson(again.object, applied.object));
      assert.equal(JSON.stringify(again.managedFields), JSON.stringify(applied.managedFields));
    }),
  );
});

test('whoever owns a field, the field is there; an apply that conflicts names fields of others', () => {
  fc.assert(
    fc.property(fc.array(write, { minLength: 1, maxLength: 8 }), (writes) => {
      let live: JsonObject | undefined;
      for (const step of writes) {
        if (step.op !== 'update') {
          const applied = apply(live, step.manager, step.object, step.op === 'force');
          assert.ok(applied.kind === 'applied' || (applied.kind === 'conflicts' && step.op === 'apply'));
          if (applied.kind === 'conflicts') {
            for (const { owner } of applied.conflicts)
              assert.ok(owner.manager !== step.manager || owner.operation === 'Update');
          }
        }
        live = perform(live, step);
      }
      const metadata = live?.['metadata'] as { readonly managedFields?: readonly { readonly fieldsV1: FieldSet }[] };
      const there = new Set(paths(trackAll(live ?? {})));
      for (const { fieldsV1 } of metadata.managedFields ?? []) {
        for (const path of paths(fieldsV1)) assert.ok(there.has(path), path);
      }
    }),
  );
});

function apply(live: JsonObject | undefined, manager: string, config: JsonObject, force: boolean): Applied {
  const writer = { manager, apiVersion: 'x/v1', time: '2000-01-01T00:00:00Z' };
  return applyConfiguration({ type: TYPE, live, config, writer, force });
}

/** The object after a write; as it was if the write was refused. */
function perform(
  live: JsonObject | undefined,
  { op, manager, object }: { op: string; manager: string; object: JsonObject },
) {
  const writer = { manager, apiVersion: 'x/v1', time: '2000-01-01T00:00:00Z' };
  if (op === 'update') return withOwners(object, trackUpdate({ type: TYPE, live, written: object, writer }));
  const applied = apply(live, manager, object, op === 'force');
  return applied.kind === 'applied' ? withOwners(applied.object, applied.managedFields) : live;
}

function withOwners(object: JsonObject, managedFields: readonly JsonObject[]): JsonObject {
  const { managedFields: _, ...metadata } = object['metadata'] as JsonObject;
  return { ...object, metadata: { ...metadata, ...(managedFields.length > 0 && { managedFields }) } };
}

/** Every field of an object, as the owner of a new one has them. */
function trackAll(object: JsonObject): FieldSet {
  const written = withOwners(object, []);
  const writer = { manager: 'm', apiVersion: 'x/v1', time: '' };
  return trackUpdate({ type: TYPE, live: undefined, written, writer })[0]?.fieldsV1 ?? LEAF;
}
