import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { admit, EMPTY_WINDOW, type RetryWindow, WINDOW_SIZE } from './retry-window.ts';

test('a message is admitted once, and never when it comes too late', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 300 }), (numbers) => {
      const admitted = new Set<number>();
      let newest = 0;
      let window: RetryWindow = EMPTY_WINDOW;
      for (const number of numbers) {
        const expected = !admitted.has(number) && number > newest - WINDOW_SIZE;
        const next = admit(window, number);
        assert.equal(next !== undefined, expected);
        if (next === undefined) continue;
        window = next;
        admitted.add(number);
        newest = Math.max(newest, number);
        assert.equal(window.newest, newest);
        assert(window.seen >= 0 && window.seen < 2 ** WINDOW_SIZE);
      }
    }),
  );
});
