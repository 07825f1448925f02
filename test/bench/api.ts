import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillPolicies } from './fill-policies.ts';
import { type LogServer, startLogServer } from './log-server.ts';
import { conclude, median, percentile } from './rounds.ts';

/** How many policies there are beside the one that is changed. */
const SIZES = [1_000, 10_000, 100_000];
const ROUNDS = 5;
const CHANGES_A_ROUND = 100;
const WARM_UP = 100;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** What a client waits for: the answer to its PATCH, and the effective configuration that shows the change. */
type Change = { readonly patch: object; readonly isShown: (effective: Effective) => boolean };

type Effective = {
  readonly ports: readonly { readonly tcp: { readonly policyKey: string; readonly probes: number } }[];
};

/** A new value in the winning policy. */
function newValue(round: number): Change {
  const retries = 1 + (round % 60);
  return {
    patch: { spec: { frontend: { tcp: { keepalive: { retries } } } } },
    isShown: ({ ports }) => ports.every(({ tcp }) => tcp.probes === retries),
  };
}

/** The winning policy leaves for another gateway, or comes back: who wins changes. */
function newWinner(round: number): Change {
  const isHere = round % 2 === 1;
  const target = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: isHere ? 'gateway-0' : 'gateway-1' };
  return {
    patch: { spec: { targetRefs: [target] } },
    isShown: ({ ports }) => ports.every(({ tcp }) => tcp.policyKey.includes('/policy-0:') === isHere),
  };
}

/** Milliseconds from the PATCH to an effective configuration that shows it. */
async function measure({ base }: LogServer, { patch, isShown }: Change): Promise<number> {
  const startedAt = performance.now();
  const answer = await fetch(`${base}/apis/agentgateway.dev/v1alpha1/namespaces/bench/agentgatewaypolicies/policy-0`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify(patch),
  });
  if (!answer.ok) throw new Error(`PATCH: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
  const effective = await fetch(
    `${base}/apis/gateway.networking.k8s.io/v1/namespaces/bench/gateways/gateway-0/effective`,
  );
  const shown = isShown((await effective.json()) as Effective);
  const elapsed = performance.now() - startedAt;
  if (!shown) throw new Error('the effective configuration does not show what was answered as done');
  return elapsed;
}

const CHANGES = { value: newValue, winner: newWinner };
const directory = mkdtempSync(join(tmpdir(), 'pulseplane-bench-api-'));
const servers = new Map<number, LogServer>();
const ratios: Record<string, number> = {};
try {
  for (const size of SIZES) {
    const dataDir = join(directory, String(size));
    mkdirSync(dataDir);
    await fillPolicies(join(dataDir, 'events.db'), size);
    const server = await startLogServer(dataDir);
    servers.set(size, server);
    const first = await measure(server, newValue(1));
    say(
      `${String(size).padStart(7)} policies: ready after ${server.readyMs.toFixed(0)} ms, first change ${first.toFixed(0)} ms`,
    );
    for (const change of Object.values(CHANGES)) {
      for (let round = 0; round < WARM_UP; round += 1) await measure(server, change(round));
    }
  }
  for (const [name, change] of Object.entries(CHANGES)) {
    const times = new Map<number, number[]>(SIZES.map((size) => [size, []]));
    // One change on each after the other, so that whatever else this machine does weighs on all alike.
    for (let round = 0; round < ROUNDS * CHANGES_A_ROUND; round += 1) {
      for (const [size, server] of servers) times.get(size)?.push(await measure(server, change(round)));
    }
    const p50 = (size: number): number => median(times.get(size) ?? []);
    for (const size of SIZES) {
      say(
        `${name.padEnd(7)} ${String(size).padStart(7)} policies   p50 ${p50(size).toFixed(2)} ms   p99 ${percentile(times.get(size) ?? [], 0.99).toFixed(2)} ms`,
      );
    }
    for (const size of SIZES.slice(1)) ratios[`${name}_${size}_vs_${SIZES[0]}`] = p50(size) / p50(SIZES[0] ?? 0);
  }
} finally {
  for (const server of servers.values()) await server.stop();
  rmSync(directory, { recursive: true, force: true });
}
conclude('api', ratios, Object.fromEntries(Object.keys(ratios).map((name) => [name, '<=1.2' as const])));
