import { openSqliteEventLog } from '@pulseplane/event-log';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { OBJECTS, refOf, seqOf, VERSIONS } from './content.ts';

const READS = 5_000;

/** How long reads of random objects at random moments take, each in ms, after the file is opened anew. */
export async function readAtRandom(file: string, random: RandomGenerator): Promise<readonly number[]> {
  const log = openSqliteEventLog(file);
  try {
    return Array.from({ length: READS }, () => {
      const index = uniformInt(random, 0, OBJECTS - 1);
      const seq = uniformInt(random, seqOf(OBJECTS - 1, 1), seqOf(OBJECTS - 1, VERSIONS));
      const ref = refOf(index);
      const startedAt = performance.now();
      const stored = log.objectAt(ref, seq);
      const ms = performance.now() - startedAt;
      const version = 1 + Math.floor((seq - seqOf(index, 1)) / OBJECTS);
      if (stored?.version !== seqOf(index, version)) {
        throw new Error(`${ref.name} at ${seq} is of ${stored?.version} instead of ${seqOf(index, version)}`);
      }
      return ms;
    });
  } finally {
    await log.close();
  }
}
