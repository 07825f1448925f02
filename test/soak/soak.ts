import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, freePorts } from '../system/running-system.ts';
import { SEED, writeSeed } from '../system/seed.ts';
import { type Client, KINDS, openClient } from './clients.ts';
import { type Keepalive, policyChanges } from './policy-changes.ts';
import { startUpstreams } from './upstreams.ts';
import { type Holding, startWatched } from './watched-process.ts';

export type SoakOptions = {
  readonly seconds: number;
  /** Held from the beginning to the end; a quarter of each kind. */
  readonly connections: number;
  readonly onProgress: (line: string) => void;
};

export type SoakResult = {
  readonly changes: number;
  readonly exchanges: number;
  /** Connections that came and went beside those that are held. */
  readonly short: number;
  /** What each process held after the first changes, and at the end. */
  readonly holdings: Readonly<Record<string, readonly [before: Holding, after: Holding]>>;
  readonly violations: readonly string[];
};

/** In each second. */
const EXCHANGES = 100;
const SHORT = 20;
const OPEN_AT_ONCE = 50;
/** Until nothing is left of what was under way: idle connections to backends are closed after 4 s. */
const REST_MS = 6_000;
/** Of the time, and at least so many seconds, before a process has everything that it goes on with. */
const WARM_UP = { share: 0.2, seconds: 10 };
const APPLIED_WITHIN_MS = 5_000;
/** What a process may hold more at the end; a leak of one object for each change or connection is more in minutes. */
const ALLOWED = { heapShare: 0.1, heapBytes: 4 * 1024 ** 2, handles: 20, descriptors: 20 };

/** Holds connections of all kinds while their policy changes each second, and looks for what should not be. */
export async function soak({ seconds, connections, onProgress }: SoakOptions): Promise<SoakResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-soak-'));
  const ports = await freePorts();
  const { rest, xds, admin, metrics, readiness, tcp, http } = ports;
  const { upstream: raw, rest: web } = await freePorts();
  await startUpstreams({ raw, http: web });
  const seed = writeSeed(dataDir, { backend: { raw, http: web }, tcp, http });
  const api = `http://127.0.0.1:${rest}`;
  const processes = {
    'control-plane': await startWatched(
      'control-plane',
      [
        ...['--data-dir', dataDir, '--seed', seed, '--rest-port', String(rest), '--xds-port', String(xds)],
        ...['--log-level', 'error'],
      ],
      `${api}/readyz`,
    ),
    'data-plane': await startWatched(
      'data-plane',
      [
        ...['--control-plane', `127.0.0.1:${xds}`, '--gateway', SEED.gateway, '--log-level', 'error'],
        ...['--admin-port', String(admin), '--metrics-port', String(metrics), '--readiness-port', String(readiness)],
        ...['--state-dir', join(dataDir, 'worker')],
      ],
      `http://127.0.0.1:${readiness}/healthz/ready`,
    ),
  };
  const policy = policyChanges(api);
  const violations: string[] = [];
  const violation = (text: string) => {
    violations.push(text);
    onProgress(text);
  };
  const open = (index: number): Promise<Client> =>
    openClient(KINDS[index % KINDS.length] ?? 'tcp', { tcp, http }, violation);
  const holding = async (): Promise<Record<string, Holding>> => {
    const found: Record<string, Holding> = {};
    for (const [name, watched] of Object.entries(processes)) found[name] = await watched.holding();
    return found;
  };

  /** Changes the policy each second for a while, with exchanges over held connections and short ones beside. */
  const change = async (forSeconds: number): Promise<Keepalive | undefined> => {
    const until = performance.now() + forSeconds * 1_000;
    const isTime = () => performance.now() < until;
    let wanted: Keepalive | undefined;
    // Each by itself, so that slow exchanges do not put a change off.
    await Promise.all([
      eachSecond(
        async () => {
          wanted = await policy.next();
        },
        () => isTime() || wanted === undefined,
      ),
      eachSecond(async () => {
        await Promise.all([exchangeSome(), passBy()]);
      }, isTime),
    ]);
    return wanted;
  };
  let exchanges = 0;
  const exchangeSome = async (): Promise<void> => {
    const some = Array.from({ length: EXCHANGES }, (_, index) => held[(exchanges + index) % held.length]);
    exchanges += some.length;
    await Promise.all(some.map((client) => client?.exchange()));
  };
  let short = 0;
  const passBy = async (): Promise<void> => {
    const clients = await Promise.all(Array.from({ length: SHORT }, (_, index) => open(index)));
    short += clients.length;
    for (const client of clients) client.close();
  };

  const held: Client[] = [];
  try {
    // Before the first connection: the seed's PING timeout is shorter than this process may be busy.
    await eventually(async () => void (await policy.next()));
    while (held.length < connections) {
      held.push(...(await Promise.all(Array.from({ length: OPEN_AT_ONCE }, (_, index) => open(index)))));
    }
    onProgress(`${held.length} connections are open`);
    const warmUp = Math.max(WARM_UP.seconds, seconds * WARM_UP.share);
    await change(warmUp);
    await delay(REST_MS);
    const before = await holding();
    onProgress(`${policy.count()} changes: ${describe(before)}`);
    const wanted = await change(Math.max(WARM_UP.seconds, seconds - warmUp));
    await delay(REST_MS);
    const after = await holding();
    onProgress(`${policy.count()} changes: ${describe(after)}`);
    const holdings: Record<string, readonly [Holding, Holding]> = {};
    for (const [name, now] of Object.entries(after)) {
      const then = before[name] ?? now;
      holdings[name] = [then, now];
      for (const leak of leaks(then, now)) violation(`${name} holds more: ${leak}`);
    }
    await expectApplied(admin, wanted, held.length).catch((error: Error) => violation(error.message));
    return { changes: policy.count(), exchanges, short, holdings, violations };
  } finally {
    for (const client of held) client.close();
    for (const watched of Object.values(processes)) await watched.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Does something at once and then each second, or as soon as it is done when that takes longer, while `goesOn`. */
async function eachSecond(step: () => Promise<void>, goesOn: () => boolean): Promise<void> {
  do {
    const startedAt = performance.now();
    await step();
    await delay(Math.max(0, 1_000 - (performance.now() - startedAt)));
  } while (goesOn());
}

/** The kernel has the values of the last change on every connection. */
function expectApplied(admin: number, wanted: Keepalive | undefined, count: number): Promise<void> {
  return eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${admin}/connections`);
    const { connections } = (await response.json()) as {
      connections: { keepalive: Keepalive & { enabled: boolean } }[];
    };
    const right = connections.filter(
      ({ keepalive }) =>
        keepalive.enabled &&
        keepalive.idleSeconds === wanted?.idleSeconds &&
        keepalive.intervalSeconds === wanted.intervalSeconds &&
        keepalive.probes === wanted.probes,
    );
    if (connections.length !== count || right.length !== count) {
      throw new Error(`of ${count} connections ${connections.length} are open, ${right.length} have the last policy`);
    }
  }, APPLIED_WITHIN_MS);
}

function leaks(before: Holding, after: Holding): readonly string[] {
  const found: string[] = [];
  const grown = after.heapBytes - before.heapBytes;
  if (grown > before.heapBytes * ALLOWED.heapShare + ALLOWED.heapBytes) found.push(`${grown} bytes of heap`);
  const descriptors = after.descriptors - before.descriptors;
  if (descriptors > ALLOWED.descriptors) found.push(`${descriptors} descriptors`);
  for (const [kind, count] of Object.entries(after.handles)) {
    const more = count - (before.handles[kind] ?? 0);
    if (more > ALLOWED.handles) found.push(`${more} of ${kind}`);
  }
  return found;
}

function describe(holdings: Readonly<Record<string, Holding>>): string {
  return Object.entries(holdings)
    .map(([name, { heapBytes, descriptors, handles }]) => {
      const all = Object.values(handles).reduce((sum, count) => sum + count, 0);
      return `${name} ${(heapBytes / 1024 ** 2).toFixed(1)} MB of heap, ${descriptors} descriptors, ${all} handles`;
    })
    .join('; ');
}

/** The last line. */
export function describeSoak({ changes, exchanges, short, holdings, violations }: SoakResult): string {
  const [before, after] = [0, 1].map((index) =>
    describe(Object.fromEntries(Object.entries(holdings).map(([name, pair]) => [name, pair[index] as Holding]))),
  );
  return `soak: ${changes} changes, ${exchanges} exchanges, ${short} short connections; before: ${before}; after: ${after}; violations: ${violations.length}`;
}
