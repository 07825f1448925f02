import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OrderedSet } from './ordered-set.ts';

test('items come in order, whenever they were added, deleted and read', () => {
  const step = fc.record({ item: fc.integer({ min: 0, max: 20 }), reads: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const items = new OrderedSet<number>((a, b) => a - b);
      const expected = new Set<number>();
      const read = (): readonly number[] => [...{ [Symbol.iterator]: () => items[Symbol.iterator]() }];
      for (const { item, reads } of steps) {
        if (expected.delete(item)) items.delete(item);
        else {
          expected.add(item);
          items.add(item);
        }
        assert.equal(items.size, expected.size);
        if (reads)
          assert.deepEqual(
            read(),
            [...expected].sort((a, b) => a - b),
          );
      }
      assert.deepEqual(
        read(),
        [...expected].sort((a, b) => a - b),
      );
    }),
  );
});

test('many items come in order too', () => {
  const items = new OrderedSet<number>((a, b) => a - b);
  const count = 5_003;
  for (let index = 0; index < count; index += 1) items.add((index * 1_009) % count);
  assert.deepEqual(
    [...{ [Symbol.iterator]: () => items[Symbol.iterator]() }],
    Array.from({ length: count }, (_, index) => index),
  );
});
