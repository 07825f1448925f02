import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './duration.ts';

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
