import { setTimeout as delay } from 'node:timers/promises';
import { say } from '../part.ts';
import { median } from '../rounds.ts';
import { cpuMicros, residentBytes } from '../xds/process-figures.ts';
import { type Part, startContender } from './contenders.ts';
import { openAll } from './idle.ts';
import { hold } from './load.ts';

/** After it each session has had its first PING. */
const SETTLE_MS = 6_000;

/** What it costs to keep silent HTTP/2 sessions under PINGs each 5 s. haproxy 2.6 and nginx send none. */
export const sessions: Part = async (directory, { rounds, connections, pingSeconds }) => {
  const worker = await startContender('pulseplane', directory);
  const held = hold('http2', worker.ports.http2);
  try {
    const empty = residentBytes(worker.pid);
    await openAll('pulseplane', held, connections);
    await delay(SETTLE_MS);
    const shares: number[] = [];
    const micros: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = await held.grow(connections);
      const [cpuBefore, startedAt] = [cpuMicros(worker.pid), performance.now()];
      await delay(pingSeconds * 1000);
      const cpu = cpuMicros(worker.pid) - cpuBefore;
      const elapsedMicros = (performance.now() - startedAt) * 1000;
      const after = await held.grow(connections);
      if (after.closed > 0) throw new Error(`${after.closed} sessions that answer PINGs were closed`);
      shares.push(cpu / elapsedMicros);
      micros.push(cpu / (after.pings - before.pings));
    }
    const bytes = (residentBytes(worker.pid) - empty) / connections;
    say(
      `\n${connections} HTTP/2 sessions, a PING each 5 s: ${(median(shares) * 100).toFixed(1)} % of a core, ${median(micros).toFixed(1)} µs a PING, ${(bytes / 1024).toFixed(1)} KB a session`,
    );
    return { ping_core_share: median(shares) };
  } finally {
    await held.stop();
    await worker.stop();
  }
};
