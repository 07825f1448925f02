import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { mersenne } from 'pure-rand/generator/mersenne';
import { OBJECTS, VERSIONS } from './content.ts';
import { fillEtcd } from './fill-etcd.ts';
import { fillLog } from './fill-log.ts';
import { type Part, ROUNDS, say } from './part.ts';
import { readAtRandom } from './read-at.ts';
import { median, percentile } from './rounds.ts';
import { type Start, timeEtcdStart, timeLogStart } from './start.ts';

/** How soon a log of a million events serves, beside an etcd with the same content, and how fast its past is read. */
export const ready: Part = {
  goals: {
    ready_1m_events_vs_etcd: '>=5',
    ready_1m_seconds: '<=1',
    ready_1m_rss_mb: '<=250',
    point_in_time_read_p99_ms: '<1',
  },
  run: measureReady,
};

async function measureReady(directory: string): Promise<Record<string, number>> {
  const dataDir = join(directory, 'filled');
  const etcdDir = join(directory, 'filled-etcd');
  const file = join(dataDir, 'events.db');
  mkdirSync(dataDir);
  const seed = randomInt(2 ** 32);
  const random = mersenne(seed);
  say(`ready: filling with ${OBJECTS * VERSIONS} events over ${OBJECTS} objects (seed of the reads: ${seed})`);
  await fillLog(file);
  if (!(await fillEtcd(etcdDir))) say('etcd is not on PATH: its ratio is left out');
  const ours: Start[] = [];
  const theirs: Start[] = [];
  const reads: { readonly p50Ms: number; readonly p99Ms: number }[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    say(`ready: round ${round} of ${ROUNDS}`);
    ours.push(await timeLogStart(dataDir));
    const peer = await timeEtcdStart(etcdDir);
    if (peer !== undefined) theirs.push(peer);
    const times = await readAtRandom(file, random);
    reads.push({ p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) });
  }
  const mine = middle(ours);
  const p99Ms = median(reads.map((read) => read.p99Ms));
  say(`\nmedians of ${ROUNDS} interleaved rounds, ${OBJECTS * VERSIONS} events over ${OBJECTS} objects`);
  show('control plane, spawn to ready', mine);
  if (theirs.length > 0) show('etcd, spawn to ready', middle(theirs));
  say(
    `one object at a random moment   p50 ${median(reads.map((read) => read.p50Ms)).toFixed(3)} ms   p99 ${p99Ms.toFixed(3)} ms`,
  );
  return {
    ...(theirs.length > 0 && { ready_1m_events_vs_etcd: middle(theirs).seconds / mine.seconds }),
    ready_1m_seconds: mine.seconds,
    ready_1m_rss_mb: mine.peakRssMb,
    point_in_time_read_p99_ms: p99Ms,
  };
}

const middle = (starts: readonly Start[]): Start => ({
  seconds: median(starts.map(({ seconds }) => seconds)),
  rssMb: median(starts.map(({ rssMb }) => rssMb)),
  peakRssMb: median(starts.map(({ peakRssMb }) => peakRssMb)),
});

const show = (name: string, { seconds, rssMb, peakRssMb }: Start): void =>
  say(`${name.padEnd(31)} ${seconds.toFixed(2)} s   ${rssMb.toFixed(0)} MB   at most ${peakRssMb.toFixed(0)} MB`);
