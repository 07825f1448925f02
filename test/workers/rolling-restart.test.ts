import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, freePorts, type Ports, type RunningSystem, startSystem } from '../system/running-system.ts';
import { ROOT } from '../system/tools.ts';
import { type Load, overHttp1, overHttp2 } from './load.ts';

const CLIENTS = 8;
/** Between the end of one worker and the next look of another at the port. */
const PORT_FREE_WITHIN_MS = 15_000;

/** A second worker of the same gateway, which waits for the ports of the first. */
async function secondWorker(system: RunningSystem): Promise<{ child: ChildProcess; ports: Ports }> {
  const ports = await freePorts();
  const { admin, metrics, readiness } = ports;
  const flags = Object.entries({ 'admin-port': admin, 'metrics-port': metrics, 'readiness-port': readiness });
  const args = [...flags.flatMap(([name, port]) => [`--${name}`, String(port)]), '--state-dir', system.dataDir];
  const child = spawn(
    process.execPath,
    [join(ROOT, 'services/data-plane/dist/main.js'), '--control-plane', `127.0.0.1:${system.ports.xds}`, ...args],
    { stdio: 'ignore' },
  );
  await eventually(async () => assert.equal((await fetch(`http://127.0.0.1:${readiness}/healthz/ready`)).status, 200));
  return { child, ports };
}

test('a rolling restart under load loses no request but those that were visibly refused', async (t) => {
  await using system = await startSystem();
  const { child, ports } = await secondWorker(system);
  t.after(() => child.kill('SIGKILL'));
  const load: Load = { served: 0, refused: 0, lost: [] };
  let isOver = false;
  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    (index % 2 === 0 ? overHttp1 : overHttp2)(system.ports.http, load, () => isOver),
  );
  const servesMore = (): Promise<void> => {
    const before = load.served;
    return eventually(() => assert.ok(load.served > before + 200, `${load.served} served`), PORT_FREE_WITHIN_MS);
  };
  await servesMore();
  // The supervisor starts another one, and either takes the ports.
  process.kill(system.pid('data-plane'), 'SIGTERM');
  await sleep(2_000);
  await servesMore();
  const over = once(child, 'exit');
  const url = `http://127.0.0.1:${ports.admin}/quitquitquit`;
  assert.equal((await fetch(url)).status, 405);
  assert.equal((await fetch(url, { method: 'POST', headers: { origin: 'http://a.example' } })).status, 403);
  const quit = await fetch(url, { method: 'POST' });
  assert.equal(await quit.text(), 'shutting down\n');
  assert.deepEqual(await over, [0, null]);
  await servesMore();
  isOver = true;
  await Promise.all(clients);
  t.diagnostic(`${load.served} served, ${load.refused} refused`);
  assert.deepEqual(load.lost, []);
});
