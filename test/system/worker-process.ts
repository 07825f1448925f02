import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './running-system.ts';
import { ROOT } from './tools.ts';

const SCRIPT = join(ROOT, 'services/data-plane/dist/main.js');

export type WorkerOptions = {
  /** Where the control plane serves xDS, on loopback. */
  readonly xds: number;
  readonly nodeId: string;
  readonly listenAddress: string;
  /** More flags. */
  readonly args?: readonly string[];
  /** A directory that another worker has used. It is kept. */
  readonly stateDir?: string;
  /** A command in front of it that becomes it, as `setpriv` does. */
  readonly wrapper?: readonly string[];
};

/** One more worker of the running system's gateway, as its operator starts it; killed when it is disposed. */
export type WorkerProcess = AsyncDisposable & {
  readonly ports: { readonly admin: number; readonly metrics: number; readonly readiness: number };
  readonly stateDir: string;
  /** All that it logged. */
  readonly output: () => string;
  /** kill -9, and waits until it is gone. */
  readonly kill: () => Promise<void>;
};

export async function spawnWorker(options: WorkerOptions): Promise<WorkerProcess> {
  const { xds, nodeId, listenAddress, wrapper = [], args: more = [] } = options;
  const ports = await freePorts();
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'pulseplane-worker-'));
  const [command = process.execPath, ...args] = [
    ...wrapper,
    process.execPath,
    SCRIPT,
    ...['--control-plane', `127.0.0.1:${xds}`, '--node-id', nodeId, '--listen-address', listenAddress, '--insecure'],
    ...['--admin-port', String(ports.admin), '--metrics-port', String(ports.metrics)],
    ...['--readiness-port', String(ports.readiness), '--state-dir', stateDir],
    ...more,
  ];
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    ports,
    stateDir,
    output: () => text,
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill();
      if (options.stateDir === undefined) rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
