import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulate.ts';

/** Other seeds each time are for `npm run test:sim`. */
const SEEDS = 10_000;

test(`${SEEDS} networks: clients end with what the server has, nothing refused comes again, nothing leaks`, () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    try {
      simulate(seed);
    } catch (error) {
      assert.fail(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
});
