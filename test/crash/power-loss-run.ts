import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import { inspectLogFile } from '../../packages/event-log/src/testing/inspect-file.ts';
import { type ControlPlaneProcess, spawnControlPlane } from '../system/control-plane-process.ts';
import { freePorts } from '../system/running-system.ts';
import { checkWrites } from './check-writes.ts';
import { losePower, type UnsyncedWrites } from './power-loss.ts';
import { backendKey, runWorkload } from './workload.ts';
import { WriteRecord } from './writes.ts';

const SHIM = fileURLToPath(new URL('power-loss-shim.c', import.meta.url));
const CLIENTS = 16;
const VARIANTS: readonly UnsyncedWrites[] = ['lost', 'some', 'torn'];

export type PowerLossOptions = {
  readonly losses: number;
  readonly seed: number;
  /** Files with this ending are never synced, as far as the disk is concerned. */
  readonly forgetSyncsOf?: string;
};

export type PowerLossCounts = {
  readonly losses: number;
  readonly acknowledged: number;
  readonly violations: readonly string[];
};

/** Takes the power from one control plane again and again, until the first violation. */
export async function runPowerLosses(options: PowerLossOptions): Promise<PowerLossCounts> {
  const root = mkdtempSync(join(tmpdir(), 'pulseplane-power-'));
  const servers: ControlPlaneProcess[] = [];
  try {
    return await run(options, root, servers);
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
    rmSync(root, { recursive: true, force: true });
  }
}

async function run(
  { losses, seed, forgetSyncsOf }: PowerLossOptions,
  root: string,
  servers: ControlPlaneProcess[],
): Promise<PowerLossCounts> {
  const shim = compileShim(root);
  const random = mersenne(seed);
  const ports = await freePorts();
  const record = new WriteRecord();
  let acknowledged = 0;
  let dataDir = join(root, 'disk-0');
  mkdirSync(dataDir);
  for (let loss = 1; ; loss += 1) {
    // The state that the disk is in for certain: before the process, which changes it, opens it.
    const from = join(root, `before-${loss}`);
    cpSync(dataDir, from, { recursive: true });
    const journal = join(root, `journal-${loss}`);
    const server = spawnControlPlane({
      dataDir,
      ports,
      env: {
        LD_PRELOAD: shim,
        POWER_LOSS_DIR: dataDir,
        POWER_LOSS_JOURNAL: journal,
        ...(forgetSyncsOf !== undefined && { POWER_LOSS_FORGET: forgetSyncsOf }),
      },
    });
    servers.push(server);
    await server.ready();
    const file = join(dataDir, 'events.db');
    const { events, objects, faults } = inspectLogFile(file);
    const variant = VARIANTS[(loss - 2 + VARIANTS.length) % VARIANTS.length];
    const violations = [...faults, ...checkWrites(events, record.all)].map(
      (text) => `loss ${loss - 1} (unsynced writes: ${variant}): ${text}`,
    );
    if (loss > losses || violations.length > 0) return { losses: loss - 1, acknowledged, violations };

    const delay = uniformFloat64(random) < 0.3 ? uniformInt(random, 500, 1200) : uniformInt(random, 50, 400);
    let first = true;
    await runWorkload({
      port: ports.rest,
      clients: CLIENTS,
      random,
      record,
      existing: new Map(objects.map(({ ref, version }) => [backendKey(ref), version])),
      round: String(loss),
      onAcknowledged: () => {
        acknowledged += 1;
        if (first) setTimeout(() => void server.kill(), delay);
        first = false;
      },
    });
    await server.kill();
    if (!existsSync(journal)) throw new Error('the shim kept no journal: it was not loaded');
    const to = join(root, `disk-${loss}`);
    losePower({ from, to, journal }, VARIANTS[(loss - 1) % VARIANTS.length] ?? 'lost', random);
    dataDir = to;
  }
}

function compileShim(root: string): string {
  const shim = join(root, 'power-loss-shim.so');
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', shim, SHIM, '-lpthread'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the shim does not compile:\n${stderr}`);
  return shim;
}
