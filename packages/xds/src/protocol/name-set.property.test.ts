import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NameSet } from './name-set.ts';

test('a set in layers holds what a Set holds, and former copies stay as they were', () => {
  const name = fc.nat({ max: 40 }).map(String);
  const changes = fc.array(fc.tuple(name, fc.boolean()), { maxLength: 20 }).map((entries) => new Map(entries));
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.array(changes, { maxLength: 30 }), (first, steps) => {
      const copies = [{ names: NameSet.of(new Set(first)), expected: new Set(first) }];
      for (const step of steps) {
        const last = copies.at(-1);
        assert(last !== undefined);
        const expected = new Set(last.expected);
        for (const [changed, isIn] of step) isIn ? expected.add(changed) : expected.delete(changed);
        copies.push({ names: last.names.with(step), expected });
      }
      for (const { names, expected } of copies) {
        assert.deepEqual([...names].sort(), [...expected].sort());
        assert.equal(names.size, expected.size);
        for (let index = 0; index <= 40; index += 1) {
          assert.equal(names.has(String(index)), expected.has(String(index)));
        }
      }
    }),
  );
});
