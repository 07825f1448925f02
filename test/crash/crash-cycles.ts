import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { inspectLogFile } from '../../packages/event-log/src/testing/inspect-file.ts';
import { type ControlPlaneProcess, spawnControlPlane } from '../system/control-plane-process.ts';
import { freePorts } from '../system/running-system.ts';
import { checkWrites } from './check-writes.ts';
import { backendKey, runWorkload } from './workload.ts';
import { WriteRecord } from './writes.ts';

const CLIENTS = 16;
/** Control planes at the same time, because a start keeps one core busy for most of a cycle. */
const LANES = 2;
/** Every check reads its whole file, so a file that grew for ever would make the run quadratic. */
const CYCLES_PER_FILE = 20;

export type CrashOptions = {
  readonly cycles: number;
  readonly seed: number;
  readonly onCycle?: (counts: CrashCounts) => void;
};

export type CrashCounts = {
  readonly cycles: number;
  readonly kills: number;
  readonly acknowledged: number;
  readonly violations: readonly string[];
};

/**
 * Kills control planes again and again while clients write, and checks their files after every restart. A seed gives
 * the same choices again; what the clients make of them depends on the machine too.
 */
export async function runCrashCycles({ cycles, seed, onCycle }: CrashOptions): Promise<CrashCounts> {
  let started = 0;
  let counts: CrashCounts = { cycles: 0, kills: 0, acknowledged: 0, violations: [] };
  const lane = async (random: RandomGenerator): Promise<void> => {
    while (started < cycles) {
      await using file = await CrashedFile.open(random);
      for (let index = 0; index < CYCLES_PER_FILE && started < cycles; index += 1) {
        started += 1;
        const round = String(started);
        const { kills, acknowledged, violations } = await file.cycle(round);
        counts = {
          cycles: counts.cycles + 1,
          kills: counts.kills + kills,
          acknowledged: counts.acknowledged + acknowledged,
          violations: [...counts.violations, ...violations.map((text) => `cycle ${round}: ${text}`)],
        };
        onCycle?.(counts);
        // One fault would be found again by every later cycle of this file.
        if (violations.length > 0) break;
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, index) => lane(mersenne(seed + index))));
  return counts;
}

/** The counts in one line. */
export function describeCounts(seed: number, { cycles, kills, acknowledged, violations }: CrashCounts): string {
  return `crash test: seed=${seed} cycles=${cycles} kills=${kills} acknowledged=${acknowledged} violations=${violations.length}`;
}

type CycleCounts = Pick<CrashCounts, 'kills' | 'acknowledged' | 'violations'>;

/** A data directory through its crashes, with a control plane that runs between them. */
class CrashedFile {
  readonly #dataDir: string;
  readonly #ports: { readonly rest: number; readonly xds: number };
  readonly #random: RandomGenerator;
  readonly #record = new WriteRecord();
  #existing: ReadonlyMap<string, number> = new Map();
  #server: ControlPlaneProcess;

  private constructor(
    dataDir: string,
    ports: { readonly rest: number; readonly xds: number },
    random: RandomGenerator,
  ) {
    this.#dataDir = dataDir;
    this.#ports = ports;
    this.#random = random;
    this.#server = spawnControlPlane({ dataDir, ports });
  }

  static async open(random: RandomGenerator): Promise<CrashedFile> {
    return new CrashedFile(mkdtempSync(join(tmpdir(), 'pulseplane-crash-')), await freePorts(), random);
  }

  async cycle(round: string): Promise<CycleCounts> {
    await this.#server.ready();
    let acknowledged = 0;
    // Mostly soon; at times late enough for a checkpoint to be under way.
    const delay =
      uniformFloat64(this.#random) < 0.2 ? uniformInt(this.#random, 300, 900) : uniformInt(this.#random, 50, 300);
    const server = this.#server;
    await runWorkload({
      port: this.#ports.rest,
      clients: CLIENTS,
      random: this.#random,
      record: this.#record,
      existing: this.#existing,
      round,
      onAcknowledged: () => {
        acknowledged += 1;
        if (acknowledged === 1) setTimeout(() => void server.kill(), delay);
      },
    });
    await server.kill();
    let kills = 1;
    if (uniformFloat64(this.#random) < 0.1) {
      // A crash while the crash is being mended.
      this.#server = spawnControlPlane({ dataDir: this.#dataDir, ports: this.#ports });
      await new Promise((resolve) => setTimeout(resolve, uniformInt(this.#random, 150, 450)));
      await this.#server.kill();
      kills += 1;
    }
    this.#server = spawnControlPlane({ dataDir: this.#dataDir, ports: this.#ports });
    await this.#server.ready();
    const { events, objects, faults } = inspectLogFile(join(this.#dataDir, 'events.db'));
    this.#existing = new Map(objects.map(({ ref, version }) => [backendKey(ref), version]));
    return { kills, acknowledged, violations: [...faults, ...checkWrites(events, this.#record.all)] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.kill();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}
