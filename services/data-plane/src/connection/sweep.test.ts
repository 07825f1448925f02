import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createSweep } from './sweep.ts';

test('each is looked at once, a few in a turn, those that come and go meanwhile too', async () => {
  const open = new Set(['a', 'b', 'c', 'd']);
  const seen: string[] = [];
  const sweep = createSweep(open, (one) => void seen.push(one), 2);
  sweep.start();
  assert.deepEqual(seen, ['a', 'b']);
  open.delete('a');
  open.delete('c');
  open.add('e');
  sweep.start();
  await turn();
  assert.deepEqual(seen, ['a', 'b', 'd', 'e']);
  await turn();
  sweep.start();
  assert.deepEqual(seen, ['a', 'b', 'd', 'e', 'b', 'd']);
});
