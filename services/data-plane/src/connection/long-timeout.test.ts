import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { longTimeout } from './long-timeout.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

test('it calls back once, not earlier, also when it takes several steps', async () => {
  const startedAt = performance.now();
  const calls: number[] = [];
  longTimeout(1_500, () => calls.push(performance.now() - startedAt));
  await delay(1_700);
  assert.equal(calls.length, 1);
  assert.ok((calls[0] ?? 0) >= 1_498, `${calls}`);
});

test('one that was cancelled does not call back, in any step, nor does one of a month', async () => {
  const called = (): void => assert.fail('called back');
  const cancel = longTimeout(1_200, called);
  longTimeout(31 * 86_400_000, called)();
  const month = longTimeout(31 * 86_400_000, called);
  await delay(1_100);
  cancel();
  await delay(200);
  month();
});

test('cancelled ones of ever new durations leave nothing behind', async () => {
  let longest = 3_600_000;
  const round = async (): Promise<number> => {
    for (let count = 0; count < 50_000; count += 1) {
      longest += 7;
      longTimeout(longest, () => undefined)();
    }
    // What node:test notes of each timer goes with the next turns.
    await delay(100);
    return heapBytes();
  };
  await round();
  const before = await round();
  await round();
  const grown = (await round()) - before;
  assert.ok(grown < 1024 ** 2, `${grown} bytes more`);
});
