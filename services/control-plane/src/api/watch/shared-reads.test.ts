import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import { policyEvent, wrapEventLog } from '@pulseplane/event-log/testing';
import { shareReads } from './shared-reads.ts';

test('one page is read once for all who ask for it, and anew when the log has grown', async () => {
  let reads = 0;
  const memory = createMemoryEventLog();
  const log = wrapEventLog(memory, {
    read: (range) => {
      reads += 1;
      return memory.read(range);
    },
  });
  const shared = shareReads(log);
  const seqs = (from: number, limit: number) => shared.read({ from, limit }).map(({ seq }) => seq);
  assert.deepEqual(seqs(1, 2), []);
  assert.equal(reads, 0);
  await log.append({ expected: [], events: [policyEvent('a'), policyEvent('b'), policyEvent('c')] });
  assert.deepEqual(
    [seqs(2, 5), seqs(2, 5), seqs(2, 5)],
    [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
  );
  assert.equal(reads, 1);
  await log.append({ expected: [], events: [policyEvent('d')] });
  assert.deepEqual(seqs(2, 5), [2, 3, 4]);
  assert.deepEqual(seqs(2, 1), [2]);
  assert.deepEqual(seqs(5, 1), []);
  assert.equal(reads, 3);
});
