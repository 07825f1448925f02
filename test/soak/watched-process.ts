import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../system/running-system.ts';
import { ROOT } from '../system/tools.ts';

/** What a process holds, after a garbage collection. `handles` are counted by kind, as Node names them. */
export type Holding = {
  readonly heapBytes: number;
  readonly descriptors: number;
  readonly handles: Readonly<Record<string, number>>;
};

/** A service as it ships, which can be asked what it holds. */
export type WatchedProcess = { holding(): Promise<Holding>; stop(): Promise<void> };

const FIGURES = join(ROOT, 'test/soak/figures.mjs');
const READY_WITHIN_MS = 60_000;

/** Resolves when an address of it answers with 200. */
export async function startWatched(
  service: string,
  args: readonly string[],
  readyUrl: string,
): Promise<WatchedProcess> {
  const script = join(ROOT, `services/${service}/dist/main.js`);
  const child = spawn(process.execPath, ['--expose-gc', '--import', FIGURES, script, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const isReady = async (): Promise<void> => {
    const response = await fetch(readyUrl);
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`${service} is not ready: ${response.status}`);
  };
  await eventually(isReady, READY_WITHIN_MS);
  return {
    async holding() {
      const answer = once(child, 'message');
      child.send({});
      const [figures] = (await answer) as [Omit<Holding, 'descriptors'>];
      return { ...figures, descriptors: readdirSync(`/proc/${child.pid}/fd`).length };
    },
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
