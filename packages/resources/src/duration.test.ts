import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDuration } from './duration.ts';

const PARSED: readonly (readonly [string, number | undefined])[] = [
  ['30s', 30_000],
  ['0s', 0],
  ['500ms', 500],
  ['1m30s', 90_000],
  ['1h1m1s1ms', 3_661_001],
  ['1s1s', 2_000],
  ['99999h', 359_996_400_000],
  ['00001s', 1_000],
  ['', undefined],
  ['30', undefined],
  ['1.5s', undefined],
  ['-1s', undefined],
  ['1d', undefined],
  ['1us', undefined],
  ['123456s', undefined],
  ['1s1s1s1s1s', undefined],
  [' 1s', undefined],
  ['1s\n', undefined],
];

for (const [text, milliseconds] of PARSED) {
  test(`the duration ${JSON.stringify(text)} is ${milliseconds} ms`, () => {
    assert.equal(parseDuration(text), milliseconds);
  });
}

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
  [-1_500, '-1.5s'],
];

for (const [milliseconds, text] of PRINTED) {
  test(`${milliseconds} ms is printed as ${text}`, () => {
    assert.equal(formatDuration(milliseconds), text);
  });
}
