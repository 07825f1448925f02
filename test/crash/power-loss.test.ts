import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { needs } from '../system/tools.ts';
import { runPowerLosses } from './power-loss-run.ts';

const LOSSES = 20;
const skip = process.platform === 'linux' ? needs('cc') : 'the shim is for Linux';

test(`${LOSSES} power losses that forget what was not fsynced: all that was acknowledged is there`, {
  skip,
}, async (t) => {
  const seed = randomInt(2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const { losses, acknowledged, violations } = await runPowerLosses({ losses: LOSSES, seed });
  t.diagnostic(`${losses} power losses, ${acknowledged} acknowledged writes, ${violations.length} violations`);
  assert.deepEqual(violations, [], `seed ${seed}`);
  assert.equal(losses, LOSSES);
  assert(acknowledged > LOSSES, 'too little was written to prove anything');
});

test('the same test reports lost writes when syncs of the write-ahead log do nothing', { skip }, async () => {
  const { violations } = await runPowerLosses({ losses: 3, seed: randomInt(2 ** 32), forgetSyncsOf: '-wal' });
  assert(
    violations.some((text) => text.includes('acknowledged and lost')),
    violations.join('\n'),
  );
});
