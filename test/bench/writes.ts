import { join } from 'node:path';
import { type NewEvent, openSqliteEventLog } from '@pulseplane/event-log';
import { VALUE_BYTES } from './content.ts';
import { startEtcd } from './etcd.ts';
import { h2load, WARM_UP_SECONDS } from './h2load.ts';
import { bareSqlite, rawFsync, startBareHttp } from './limits.ts';
import { startLogServer } from './log-server.ts';
import { type Part, ROUNDS, say } from './part.ts';
import { median, percentile } from './rounds.ts';

const WRITERS = [1, 16, 64, 256];
/** The writers in this process, and those beside which a layer's limit is measured. */
const MANY = 64;
const SECONDS = 3;

/** How fast writes are acknowledged, beside etcd and beside what disk, SQLite and HTTP allow. */
export const writes: Part = {
  goals: {
    writes_64_vs_etcd: '>=1.8',
    p99_64_vs_etcd: '<=1',
    in_process_64_per_s: '>=60000',
    in_process_64_p99_ms: '<=4',
  },
  run: measureWrites,
};

type Load = { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number };

/** Writers in this process, each waiting for its append before the next, warmed up as those of h2load: hash chain and read tables included. */
async function inProcess(writers: number, file: string): Promise<Load> {
  const log = openSqliteEventLog(file);
  const from = performance.now() + WARM_UP_SECONDS * 1000;
  const until = from + SECONDS * 1000;
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let round = 0; performance.now() < until; round += 1) {
        const startedAt = performance.now();
        await log.append({ expected: [], events: [event(`${writer}-${round % 100}`, `${writer}-${round}`)] });
        if (startedAt >= from) latencies.push(performance.now() - startedAt);
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

const rate = (name: string, perSecond: number): string => `${name.padEnd(44)} ${perSecond.toFixed(0).padStart(8)}/s`;

const show = (name: string, { perSecond, p50Ms, p99Ms }: Load): void =>
  say(`${rate(name, perSecond)}   p50 ${p50Ms.toFixed(2)} ms   p99 ${p99Ms.toFixed(2)} ms`);

async function measureWrites(directory: string): Promise<Record<string, number>> {
  const ratios: Record<string, number> = {};
  const etcd = await startEtcd(join(directory, 'etcd'));
  const server = await startLogServer(join(directory, 'control-plane'));
  const bareHttp = await startBareHttp();
  try {
    if (etcd === undefined) say('etcd is not on PATH: its ratios are left out');
    if (!h2load.available) say('h2load is not on PATH: REST is not measured');
    const valueBytes = await server.storedBytes();
    const raw: number[] = [];
    const rows: number[] = [];
    const local: Load[] = [];
    const echoed: Load[] = [];
    const ours = new Map<number, Load[]>(WRITERS.map((writers) => [writers, []]));
    const theirs = new Map<number, Load[]>(WRITERS.map((writers) => [writers, []]));
    for (let round = 1; round <= ROUNDS; round += 1) {
      say(`writes: round ${round} of ${ROUNDS}`);
      raw.push(rawFsync(join(directory, 'raw')));
      const inside = await inProcess(MANY, join(directory, `in-process-${round}.db`));
      local.push(inside);
      // An event's JSON has about as many bytes as its row.
      const row = JSON.stringify(event('name', 'id'));
      rows.push(bareSqlite(join(directory, `bare-${round}.db`), Math.round(inside.perSecond * SECONDS), MANY, row));
      if (!h2load.available) continue;
      for (const writers of WRITERS) {
        const request = server.creation;
        ours.get(writers)?.push(await h2load.run(request, writers, SECONDS));
        if (etcd !== undefined) theirs.get(writers)?.push(await h2load.run(etcd.put(valueBytes), writers, SECONDS));
        if (writers === MANY) echoed.push(await h2load.run({ ...request, url: bareHttp.url }, writers, SECONDS));
      }
    }
    say(
      `\nmedians of ${ROUNDS} interleaved rounds, every answer after its fsync; etcd's values as large as REST's: ${valueBytes} bytes`,
    );
    say(rate('raw append + fdatasync, one after the other', median(raw)));
    say(rate(`bare SQLite, ${MANY} rows a transaction`, median(rows)));
    const inside = middle(local);
    show(`in process, ${MANY} writers`, inside);
    ratios['in_process_64_per_s'] = inside.perSecond;
    ratios['in_process_64_p99_ms'] = inside.p99Ms;
    ratios['in_process_64_vs_bare_sqlite'] = inside.perSecond / median(rows);
    for (const writers of WRITERS) {
      const mine = ours.get(writers) ?? [];
      const peer = theirs.get(writers) ?? [];
      if (writers === MANY && echoed.length > 0) {
        show(`bare HTTP, nothing stored, ${writers} writers`, middle(echoed));
        ratios['writes_64_vs_bare_http'] = middle(mine).perSecond / middle(echoed).perSecond;
      }
      if (mine.length > 0) show(`REST, ${writers} writers`, middle(mine));
      if (peer.length === 0) continue;
      show(`etcd, ${writers} writers`, middle(peer));
      ratios[`writes_${writers}_vs_etcd`] = middle(mine).perSecond / middle(peer).perSecond;
      ratios[`p99_${writers}_vs_etcd`] = middle(mine).p99Ms / middle(peer).p99Ms;
    }
  } finally {
    await bareHttp.stop();
    await server.stop();
    await etcd?.stop();
  }
  return ratios;
}
