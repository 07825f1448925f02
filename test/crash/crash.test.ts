import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { describeCounts, runCrashCycles } from './crash-cycles.ts';

/** `npm run test:crash -- --cycles N --seed S` takes a run again, or a longer one; CI does 200. */
const CYCLES = 20;

test(`kill -9 under 16 clients, ${CYCLES} times: what was acknowledged is there once and in order`, async (t) => {
  const seed = randomInt(2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const counts = await runCrashCycles({ cycles: CYCLES, seed });
  t.diagnostic(describeCounts(seed, counts));
  assert.deepEqual(counts.violations, [], `seed ${seed}`);
  assert(counts.kills >= CYCLES && counts.acknowledged > CYCLES, 'too little was written to prove anything');
});
