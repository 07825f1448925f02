import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './tools.ts';

const SCRIPT = join(ROOT, 'services/control-plane/dist/main.js');
const START_TIMEOUT_MS = 60_000;

/** One control plane, as its operator starts it, without a supervisor. */
export type ControlPlaneProcess = {
  readonly pid: number;
  readonly restPort: number;
  /** All that it printed. */
  readonly output: () => string;
  /** Resolves when it serves; rejects when it ends before. */
  readonly ready: () => Promise<void>;
  /** kill -9, and waits until it is gone. */
  readonly kill: () => Promise<void>;
};

export type ControlPlaneOptions = {
  readonly dataDir: string;
  readonly ports: { readonly rest: number; readonly xds: number };
  /** A command in front of it that becomes it, as `strace -D` does. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

export function spawnControlPlane({ dataDir, ports, wrapper = [], env }: ControlPlaneOptions): ControlPlaneProcess {
  const [command = process.execPath, ...args] = [
    ...wrapper,
    process.execPath,
    SCRIPT,
    ...['--data-dir', dataDir, '--rest-port', String(ports.rest), '--xds-port', String(ports.xds)],
  ];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  assert(child.pid !== undefined, `${command} cannot be started`);
  let text = '';
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = whenReady(child, () => text);
  // Whoever kills it while it starts does not wait for it.
  ready.catch(() => {});
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      child.emit('printed');
    });
  }
  return {
    pid: child.pid,
    restPort: ports.rest,
    output: () => text,
    ready: () => ready,
    kill: () => {
      child.kill('SIGKILL');
      return gone;
    },
  };
}

function whenReady(child: ChildProcess, output: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (what: string): void => reject(new Error(`the control plane ${what}:\n${output()}`));
    const timer = setTimeout(() => failed('does not get ready'), START_TIMEOUT_MS);
    child.on('printed', () => {
      if (!output().includes('control plane is running')) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      failed(`ended while it started (${signal ?? code})`);
    });
  });
}
