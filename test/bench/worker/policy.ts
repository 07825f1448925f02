import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { median } from '../rounds.ts';
import type { Effort } from './contenders.ts';
import { probe } from './load.ts';

export type PolicyFigures = {
  /** From the beginning of a PATCH until the kernel has the new keepalive time on every connection. */
  readonly seconds: number;
  /** The longest that one more connection waited for a byte while a policy was applied, and while nothing was. */
  readonly longestWaitMs: number;
  readonly usualWaitMs: number;
};

const SHORT_SECONDS = 30;
const LONG_SECONDS = 600;
const PROBE_SECONDS = 1;
const WITHIN_MS = 30_000;

const run = promisify(execFile);

/** Changes a policy of all open connections of a port again and again. */
export async function measurePolicy(
  port: number,
  changeKeepalive: (seconds: number) => Promise<void>,
  { connections, changes }: Pick<Effort, 'connections' | 'changes'>,
): Promise<PolicyFigures> {
  const seconds: number[] = [];
  const waits: number[] = [];
  const usual: number[] = [];
  for (let change = 0; change < changes; change += 1) {
    const isLong = change % 2 === 0;
    const startedAt = performance.now();
    await changeKeepalive(isLong ? LONG_SECONDS : SHORT_SECONDS);
    while ((await withTimer(port, isLong)) < connections) {
      if (performance.now() - startedAt > WITHIN_MS) throw new Error('a policy did not reach all open connections');
    }
    seconds.push((performance.now() - startedAt) / 1000);
  }
  // Apart from the above, because looking at all sockets takes the core on which the probe runs.
  for (let change = 0; change < changes; change += 1) {
    usual.push((await probe(port, PROBE_SECONDS)).maxMs);
    const probing = probe(port, PROBE_SECONDS);
    await delay((PROBE_SECONDS * 1000) / 4);
    await changeKeepalive(change % 2 === 0 ? LONG_SECONDS : SHORT_SECONDS);
    waits.push((await probing).maxMs);
  }
  return { seconds: median(seconds), longestWaitMs: median(waits), usualWaitMs: median(usual) };
}

/** How many connections of a port the kernel probes after minutes, or after less than one, by its own timers. */
async function withTimer(port: number, minutes: boolean): Promise<number> {
  const filter = ['-Htno', 'state', 'established', `( sport = :${port} )`];
  const { stdout } = await run('ss', filter, { maxBuffer: 64 * 1024 ** 2 });
  let count = 0;
  for (const [, time = ''] of stdout.matchAll(/timer:\(keepalive,([^,]*),/g)) {
    if (time.includes('min') === minutes) count += 1;
  }
  return count;
}
