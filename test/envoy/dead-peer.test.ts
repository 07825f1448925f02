import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetwork, type Network, type Script, whyNoNamespaces } from '../namespaces/network.ts';
import { needsEnvoy } from './envoy-process.ts';

const skip = needsEnvoy() || (whyNoNamespaces() ?? false);
const CLIENT_SIDE = { time: '2s', interval: '1s', retries: 3 };
const UPSTREAM_SIDE = { time: '3s', interval: '2s', retries: 4 };

/** What the kernel shows of a connection whose peer is cut off: when it probes next, and how often it has. */
type Timer = { readonly leftMs: number; readonly probes: number };

test('an Envoy gives silent peers up after its time, interval and count, towards clients and backends', {
  skip,
}, async (t) => {
  const network = createNetwork();
  let edge: Script | undefined;
  try {
    const peer = network.addPeer();
    const far = peer.address;
    const run = (where: Pick<Network, 'run'>, script: string, ...args: readonly string[]) =>
      where.run(`../envoy/${script}`, ...args);
    await run(peer, 'quiet-process.ts', 'server', far, '9000').line(({ event }) => event === 'ready', 20_000);
    const policy = [CLIENT_SIDE, UPSTREAM_SIDE].map((keepalive) => JSON.stringify({ tcp: { keepalive } }));
    edge = run(network, 'edge-process.ts', far, ...policy);
    const ports = await edge.line(({ event }) => event === 'ready', 60_000);
    const clients = [
      run(peer, 'quiet-process.ts', 'client', peer.workerAddress, String(ports['near'])),
      run(network, 'quiet-process.ts', 'client', '127.0.0.1', String(ports['far'])),
    ];
    for (const client of clients) await client.line(({ event }) => event === 'quiet', 40_000);
    peer.cutCable();
    const [towardsClient, towardsBackend] = await Promise.all([
      watch(network, `dst ${far} and sport = :${ports['near']}`),
      watch(network, `dst ${far} and dport = :9000`),
    ]);
    t.diagnostic(`towards the client ${summary(towardsClient)}, the backend ${summary(towardsBackend)}`);
    expect(towardsClient, { idleMs: 2_000, intervalMs: 1_000, probes: 3 });
    expect(towardsBackend, { idleMs: 3_000, intervalMs: 2_000, probes: 4 });
  } finally {
    edge?.stop();
    await edge?.line(({ event }) => event === 'stopped', 20_000);
    network.close();
  }
});

/** Looks at a connection until the kernel has given it up. */
async function watch(network: Network, filter: string): Promise<readonly Timer[]> {
  const seen: Timer[] = [];
  const deadline = Date.now() + 30_000;
  for (;;) {
    const line = network.exec('ss', '-Htno', 'state', 'established', `( ${filter} )`).trim();
    if (line === '') return seen;
    assert.ok(Date.now() < deadline, line);
    // Nothing is left while it fires.
    const [, left = '0', unit = '', probes = ''] = /timer:\(keepalive,(?:([\d.]+)(ms|sec))?,(\d+)\)/.exec(line) ?? [];
    assert.notEqual(probes, '', line);
    // ss writes 1.5 s as `1.500ms`.
    const isSeconds = unit === 'sec' || left.includes('.');
    seen.push({ leftMs: Number(left) * (isSeconds ? 1_000 : 1), probes: Number(probes) });
    await sleep(50);
  }
}

function expect(
  seen: readonly Timer[],
  { idleMs, intervalMs, probes }: { readonly idleMs: number; readonly intervalMs: number; readonly probes: number },
): void {
  assert.equal(Math.max(...seen.map((timer) => timer.probes)), probes);
  assert.ok(longest(seen, 0) <= idleMs, `idle ${longest(seen, 0)} ms`);
  // The kernel's clock is coarse, and so is the look.
  for (let probe = 1; probe <= probes; probe += 1) {
    const left = longest(seen, probe);
    assert.ok(left > intervalMs - 500 && left <= intervalMs + 50, `after probe ${probe}: ${left} ms`);
  }
}

/** The longest time to the next probe after so many. */
function longest(seen: readonly Timer[], probes: number): number {
  return Math.max(...seen.flatMap((timer) => (timer.probes === probes ? [timer.leftMs] : [])));
}

function summary(seen: readonly Timer[]): string {
  const counts = [...new Set(seen.map(({ probes }) => probes))];
  return counts.map((probes) => `${longest(seen, probes)} ms after ${probes} probes`).join(', ');
}
