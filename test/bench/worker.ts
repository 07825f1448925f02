import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { say } from './part.ts';
import { conclude, type Goal } from './rounds.ts';
import type { Effort, Part } from './worker/contenders.ts';
import { http } from './worker/http.ts';
import { idle } from './worker/idle.ts';
import { buildLoad } from './worker/load.ts';
import { DESCRIPTORS, missing } from './worker/proxy-process.ts';
import { sessions } from './worker/sessions.ts';
import { tcp } from './worker/tcp.ts';
import { moveToClientCore, PINNED } from './xds/process-figures.ts';

/** The worker beside haproxy and nginx: one core for the proxy, one for both ends. */

const PARTS: Readonly<Record<string, { readonly run: Part; readonly goals: Readonly<Record<string, Goal>> }>> = {
  tcp: { run: tcp, goals: { tcp_bulk_vs_haproxy: '>=0.75', short_connections_vs_haproxy: '>=0.28' } },
  http: { run: http, goals: { http2_requests_vs_nginx: '>=0.6' } },
  idle: {
    run: idle,
    goals: { memory_per_connection_vs_nginx: '<=1', policy_seconds: '<=0.5', policy_longest_wait_ms: '<=20' },
  },
  sessions: { run: sessions, goals: { ping_core_share: '<=0.08' } },
};

/** Kept back of a process's descriptors, as the worker keeps them back, and some for the bench's own connections. */
const OTHER_DESCRIPTORS = 200;

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' } } });
const { quick = false, only } = values;
const parts = Object.entries(PARTS).filter(([name]) => only === undefined || name === only);
if (parts.length === 0) {
  process.stderr.write(`bench:worker: --only ${only}: there are ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}
const most = Math.min(10_000, Math.floor((DESCRIPTORS - OTHER_DESCRIPTORS) / 2));
const effort: Effort = quick
  ? { rounds: 1, seconds: 1, few: 500, connections: Math.min(most, 1_000), changes: 2, pingSeconds: 3 }
  : { rounds: 3, seconds: 2, few: 2_000, connections: most, changes: 3, pingSeconds: 10 };

buildLoad();
moveToClientCore();
say(
  PINNED ? 'proxies on core 0, both ends on core 1' : 'without cores of their own: taskset or a second core is missing',
);
for (const reason of Object.values(missing)) {
  if (reason !== undefined) say(`${reason}: its figures and ratios are left out`);
}
if (most < 10_000)
  say(`${DESCRIPTORS} descriptors a process, two for a proxied connection: ${most} connections at most`);
const directory = mkdtempSync(join(tmpdir(), 'pulseplane-bench-worker-'));
const ratios: Record<string, number> = {};
try {
  for (const [, { run }] of parts) Object.assign(ratios, await run(directory, effort));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
conclude(quick ? 'worker-quick' : 'worker', ratios, Object.assign({}, ...parts.map(([, { goals }]) => goals)));
