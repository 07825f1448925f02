import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json } from '@pulseplane/resources';
import { changeLine, diffJson } from './json-diff.ts';

describe('readable lines', () => {
  const cases: readonly (readonly [about: string, before: Json, after: Json, lines: readonly string[]])[] = [
    ['nothing', { a: 1, b: [{}] }, { b: [{}], a: 1 }, []],
    ['a changed leaf', { a: { time: '30s' } }, { a: { time: '60s' } }, ['a.time: 30s -> 60s']],
    ['added and removed leaves', { a: { b: 1 } }, { c: { d: 'x' } }, ['- a.b: 1', '+ c.d: x']],
    ['a text that looks like a number', { a: '3' }, { a: 3 }, ['a: "3" -> 3']],
    ['texts that need quotes', { a: 'true', b: '' }, { a: 'x y', b: null }, ['a: "true" -> "x y"', 'b: "" -> null']],
    ['a key with a dot', { 'x.io/a': '1.5s' }, {}, ['{"x.io/a":"1.5s"} -> {}']],
    ['a key with a dot among others', { k: { 'x.io/a': 'b', c: 1 } }, { k: { c: 1 } }, ['- k["x.io/a"]: b']],
    ['an item in front', { l: ['a', 'b'] }, { l: ['c', 'a', 'b'] }, ['+ l[0]: c']],
    ['an item taken out', { l: ['a', 'b', 'c'] }, { l: ['a', 'c'] }, ['- l[1]: b']],
    ['an item changed', { l: [{ p: 80 }, { p: 1 }] }, { l: [{ p: 81 }, { p: 1 }] }, ['l[0].p: 80 -> 81']],
    ['an emptied list', { l: [1] }, { l: [] }, ['l: [1] -> []']],
    ['an empty object that was not there', { a: 1 }, { a: 1, http: {} }, ['+ http: {}']],
    ['a list that becomes an object', { a: [1] }, { a: { b: 1 } }, ['a: [1] -> {"b":1}']],
    ['a key of the prototype', { a: 1 }, { a: 1, constructor: 2 }, ['+ constructor: 2']],
  ];
  for (const [about, before, after, lines] of cases) {
    test(about, () =>
      assert.deepEqual(
        diffJson(before, after).map((change) => changeLine(change).replace(/^: /, '')),
        lines,
      ),
    );
  }

  test('what was not there is added leaf by leaf', () => {
    assert.deepEqual(diffJson(undefined, { a: { b: 1, c: ['x'] } }), [
      { path: 'a.b', after: 1 },
      { path: 'a.c[0]', after: 'x' },
    ]);
    assert.deepEqual(diffJson(undefined, undefined), []);
  });

  test('a long value is cut', () => {
    const [change] = diffJson({ a: 1 }, { a: 'x'.repeat(1000) });
    assert.ok(change);
    assert.equal(changeLine(change), `a: 1 -> ${'x'.repeat(200)}...`);
  });
});
