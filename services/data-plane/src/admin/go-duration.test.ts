import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goDuration } from './go-duration.ts';

const PRINTED: readonly (readonly [number, string])[] = [
  [0, '0s'],
  [1, '1ms'],
  [100, '100ms'],
  [1_000, '1s'],
  [1_500, '1.5s'],
  [30_000, '30s'],
  [60_000, '1m0s'],
  [245_000, '4m5s'],
  [600_000, '10m0s'],
  [3_600_000, '1h0m0s'],
  [18_367_001, '5h6m7.001s'],
];

for (const [milliseconds, text] of PRINTED) {
  test(`${milliseconds} ms is printed as ${text}`, () => {
    assert.equal(goDuration(milliseconds), text);
  });
}
