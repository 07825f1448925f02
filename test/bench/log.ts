import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NewEvent, openSqliteEventLog } from '@pulseplane/event-log';
import { startEtcd } from './etcd.ts';
import { h2load } from './h2load.ts';
import { startLogServer } from './log-server.ts';
import { conclude, median, percentile } from './rounds.ts';

const ROUNDS = 3;
const WRITERS = [1, 16, 64, 256];
const SECONDS = 3;
/** What a write stores, in both systems: about the size of a policy. */
const VALUE_BYTES = 584;

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-bench-log-'));
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

type Load = { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number };

/** The physical limit: one append and one fdatasync after the other. */
function rawFsync(): number {
  const fd = openSync(join(directory, 'raw'), 'a');
  const line = Buffer.alloc(600, 'x');
  const until = performance.now() + 1000;
  let count = 0;
  for (; performance.now() < until; count += 1) {
    writeSync(fd, line);
    fdatasyncSync(fd);
  }
  closeSync(fd);
  return count;
}

/** Writers in this process, each waiting for its append before the next: hash chain and read tables included. */
async function inProcess(writers: number, file: string): Promise<Load> {
  const log = openSqliteEventLog(file);
  const until = performance.now() + SECONDS * 1000;
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let round = 0; performance.now() < until; round += 1) {
        const startedAt = performance.now();
        await log.append({ expected: [], events: [event(`${writer}-${round % 100}`, `${writer}-${round}`)] });
        latencies.push(performance.now() - startedAt);
      }
    }),
  );
  await log.close();
  return {
    perSecond: latencies.length / SECONDS,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
}

function event(name: string, id: string): NewEvent {
  return {
    id,
    type: 'SpecChanged',
    subject: { group: 'agentgateway.dev', kind: 'AgentgatewayPolicy', namespace: 'bench', name, uid: 'uid' },
    object: {
      apiVersion: 'agentgateway.dev/v1alpha1',
      kind: 'AgentgatewayPolicy',
      metadata: { name, namespace: 'bench', annotations: { padding: 'x'.repeat(VALUE_BYTES - 150) } },
    },
    actor: { user: 'bench', via: 'bench' },
    requestId: id,
    correlationId: id,
    time: new Date().toISOString(),
  };
}

const middle = (loads: readonly Load[]): Load => ({
  perSecond: median(loads.map(({ perSecond }) => perSecond)),
  p50Ms: median(loads.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(loads.map(({ p99Ms }) => p99Ms)),
});

const show = (name: string, { perSecond, p50Ms, p99Ms }: Load): void =>
  say(
    `${name.padEnd(44)} ${perSecond.toFixed(0).padStart(8)}/s   p50 ${p50Ms.toFixed(2)} ms   p99 ${p99Ms.toFixed(2)} ms`,
  );

const ratios: Record<string, number> = {};
const etcd = await startEtcd(join(directory, 'etcd'));
const server = await startLogServer(join(directory, 'control-plane'));
try {
  if (etcd === undefined) say('etcd is not on PATH: its ratios are left out');
  if (!h2load.available) say('h2load is not on PATH: REST is not measured');
  const raw: number[] = [];
  const local: Load[] = [];
  const ours = new Map<number, Load[]>(WRITERS.map((writers) => [writers, []]));
  const theirs = new Map<number, Load[]>(WRITERS.map((writers) => [writers, []]));
  for (let round = 1; round <= ROUNDS; round += 1) {
    say(`round ${round} of ${ROUNDS}`);
    raw.push(rawFsync());
    local.push(await inProcess(64, join(directory, `in-process-${round}.db`)));
    if (!h2load.available) continue;
    for (const writers of WRITERS) {
      ours.get(writers)?.push(await h2load.run(server.request(VALUE_BYTES), writers, SECONDS));
      if (etcd !== undefined) theirs.get(writers)?.push(await h2load.run(etcd.put(VALUE_BYTES), writers, SECONDS));
    }
  }
  say(`\nmedians of ${ROUNDS} interleaved rounds, ${VALUE_BYTES}-byte values, every answer after its fsync`);
  say(`raw append + fdatasync, one after the other   ${median(raw).toFixed(0).padStart(8)}/s`);
  const inside = middle(local);
  show('in process, 64 writers', inside);
  ratios['in_process_64_per_s'] = inside.perSecond;
  ratios['in_process_64_p99_ms'] = inside.p99Ms;
  for (const writers of WRITERS) {
    const mine = ours.get(writers) ?? [];
    const peer = theirs.get(writers) ?? [];
    if (mine.length > 0) show(`REST, ${writers} writers`, middle(mine));
    if (peer.length === 0) continue;
    show(`etcd, ${writers} writers`, middle(peer));
    ratios[`writes_${writers}_vs_etcd`] = middle(mine).perSecond / middle(peer).perSecond;
    ratios[`p99_${writers}_vs_etcd`] = middle(mine).p99Ms / middle(peer).p99Ms;
  }
} finally {
  await server.stop();
  await etcd?.stop();
  rmSync(directory, { recursive: true, force: true });
}
conclude('log', ratios, {
  writes_64_vs_etcd: '>=1.8',
  p99_64_vs_etcd: '<=1',
  in_process_64_per_s: '>=60000',
  in_process_64_p99_ms: '<=4',
  ready_1m_events_vs_etcd: '>=5',
});
