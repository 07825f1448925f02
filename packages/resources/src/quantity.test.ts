import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBytes, parseNanoQuantity, parseQuantity } from './quantity.ts';

const QUANTITIES: readonly (readonly [string | number, bigint | undefined])[] = [
  [65_536, 65_536n],
  ['0', 0n],
  ['-5', -5n],
  ['+5', 5n],
  ['16Ki', 16_384n],
  ['1.5Ki', 1_536n],
  ['2Mi', 2_097_152n],
  ['1Ei', 1_152_921_504_606_846_976n],
  ['1k', 1_000n],
  ['1E', 1_000_000_000_000_000_000n],
  ['1E3', 1_000n],
  ['1e3', 1_000n],
  ['1.5e3', 1_500n],
  ['.5k', 500n],
  ['5.', 5n],
  ['100m', 1n],
  ['1n', 1n],
  ['0.5', 1n],
  ['-0.5', -1n],
  ['1e-3', 1n],
  ['', undefined],
  ['.', undefined],
  ['1 Ki', undefined],
  ['1KB', undefined],
  ['1ki', undefined],
  ['abc', undefined],
  ['1e19', undefined],
  [1.5, 2n],
  ['1'.repeat(65), undefined],
];

for (const [quantity, amount] of QUANTITIES) {
  test(`the quantity ${JSON.stringify(quantity)} is ${amount}`, () => {
    assert.equal(parseQuantity(quantity), amount);
  });
}

const NANOS: readonly (readonly [string | number, bigint | undefined])[] = [
  ['1', 1_000_000_000n],
  ['1n', 1n],
  ['-100m', -100_000_000n],
  ['.1n', 1n],
  ['-1.5n', -2n],
  ['1e-9', 1n],
  ['1Ki', 1_024_000_000_000n],
  ['1Kib', undefined],
];

for (const [quantity, nanos] of NANOS) {
  test(`the quantity ${JSON.stringify(quantity)} is ${nanos} billionths`, () => {
    assert.equal(parseNanoQuantity(quantity), nanos);
  });
}

test('bytes are a number', () => {
  assert.equal(parseBytes('16Ki'), 16_384);
  assert.equal(parseBytes('many'), undefined);
});
