import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../system/running-system.ts';
import { SEED, writeSeed } from '../../system/seed.ts';
import { ROOT } from '../../system/tools.ts';
import { startServer } from '../server-process.ts';
import { onServerCore } from '../xds/process-figures.ts';
import { accepts, type Places, type RunningProxy } from './proxy-process.ts';

const POLL_MS = 20;
const WITHIN_MS = 10_000;

/** A worker on the proxies' core and the control plane that it is configured by on the other, both as they ship. */
export async function startPulseplane(places: Places): Promise<RunningProxy> {
  const dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-bench-worker-'));
  const seed = writeSeed(dataDir, { ...places, http: places.http1 });
  const own = await freePorts();
  const base = `http://127.0.0.1:${own.rest}`;
  const controlPlane = await startServer(
    process.execPath,
    [
      join(ROOT, 'services/control-plane/dist/main.js'),
      ...['--data-dir', dataDir, '--seed', seed, '--rest-port', String(own.rest), '--xds-port', String(own.xds)],
      ...['--log-level', 'error'],
    ],
    `${base}/readyz`,
  );
  const worker = await startServer(
    ...onServerCore(process.execPath, [
      // As `pulse up` starts it.
      '--max-semi-space-size=8',
      join(ROOT, 'services/data-plane/dist/main.js'),
      ...['--control-plane', `127.0.0.1:${own.xds}`, '--gateway', SEED.gateway, '--log-level', 'error'],
      ...['--admin-port', String(own.admin), '--metrics-port', String(own.metrics)],
      ...['--readiness-port', String(own.readiness), '--state-dir', join(dataDir, 'worker')],
    ]),
    `http://127.0.0.1:${own.readiness}/healthz/ready`,
  );
  const deadline = performance.now() + WITHIN_MS;
  while (!((await accepts(places.tcp)) && (await accepts(places.http1)))) {
    if (performance.now() > deadline) throw new Error('the worker does not open its ports');
    await delay(POLL_MS);
  }
  return {
    // taskset becomes the program: its process stays.
    pid: worker.pid,
    ports: { tcp: places.tcp, http1: places.http1, http2: places.http1 },
    changeKeepalive: async (seconds) => {
      const patched = await fetch(`${base}${SEED.policies}/${SEED.policy}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/merge-patch+json' },
        body: JSON.stringify({ spec: { frontend: { tcp: { keepalive: { time: `${seconds}s` } } } } }),
      });
      if (!patched.ok) throw new Error(`PATCH: ${patched.status} ${await patched.text()}`);
      await patched.arrayBuffer();
    },
    stop: async () => {
      await Promise.all([worker.stop(), controlPlane.stop()]);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
