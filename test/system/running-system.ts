import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../services/data-plane/src/testing/free-port.ts';
import { ROOT } from './tools.ts';

export type Ports = {
  readonly rest: number;
  readonly xds: number;
  readonly admin: number;
  readonly metrics: number;
  readonly readiness: number;
  readonly upstream: number;
  readonly http: number;
  readonly tcp: number;
};

export const DEFAULT_PORTS: Ports = {
  rest: 8080,
  xds: 9978,
  admin: 15_000,
  metrics: 15_020,
  readiness: 15_021,
  upstream: 9000,
  http: 3000,
  tcp: 3001,
};

/** `pulse up` as a person starts it, with a data directory of its own. */
export type RunningSystem = {
  readonly ports: Ports;
  readonly dataDir: string;
  readonly kubeconfig: string;
  /** All that it printed. */
  readonly output: () => string;
  /** The process id of one of its programs now. */
  readonly pid: (program: string) => number;
  /** Asks it to stop with Ctrl-C's signal and gives the exit code. The data directory stays. */
  readonly interrupt: () => Promise<number | null>;
  /** Ends everything and removes the data directory. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export type StartOptions = {
  readonly ports?: Ports;
  /** A directory that another run has used. It is kept. */
  readonly dataDir?: string;
  readonly args?: readonly string[];
  /** What `pulse up`'s flags follow. */
  readonly command?: Command;
};

type Command = readonly [program: string, ...args: readonly string[]];

const PULSE_UP: Command = [process.execPath, join(ROOT, 'services/pulse/dist/main.js'), 'up'];

/** Starts the system and waits until it says that it is running. */
export async function startSystem(options: StartOptions = {}): Promise<RunningSystem> {
  const ports = options.ports ?? (await freePorts());
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'pulseplane-system-'));
  const { child, output } = spawnUp(dataDir, ports, options.args ?? [], options.command);
  try {
    await eventually(() => assert.match(output(), /Pulseplane is running/), 60_000);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`pulse up did not start:\n${output()}`, { cause: error });
  }
  const interrupt = (): Promise<number | null> => stop(child);
  return {
    ports,
    dataDir,
    kubeconfig: join(dataDir, 'kubeconfig'),
    output,
    pid: (program) => childPid(child, program),
    interrupt,
    [Symbol.asyncDispose]: async () => {
      await interrupt();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Runs `pulse up` that is expected to end by itself. */
export async function runUp(
  dataDir: string,
  ports: Ports,
  args: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const { child, output } = spawnUp(dataDir, ports, args);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output: output() };
}

function spawnUp(
  dataDir: string,
  ports: Ports,
  args: readonly string[],
  [program, ...first]: Command = PULSE_UP,
): { child: ChildProcess; output: () => string } {
  const flags = Object.entries(ports).flatMap(([name, port]) => [`--${name}-port`, String(port)]);
  const child = spawn(program, [...first, '--data-dir', dataDir, ...flags, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return { child, output: () => text };
}

function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.on('close', resolve);
    child.kill('SIGINT');
  });
}

function childPid(child: ChildProcess, program: string): number {
  const { stdout } = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(child.pid)], { encoding: 'utf8' });
  const line = stdout.split('\n').find((text) => text.includes(`services/${program}/dist/main.js`));
  assert(line, `${program} does not run`);
  return Number(line.trim().split(/\s+/)[0]);
}

/** Ports that nobody listens on now. */
export async function freePorts(): Promise<Ports> {
  const ports = await Promise.all(
    Object.keys(DEFAULT_PORTS).map(async (name): Promise<[string, number]> => [name, await freePort()]),
  );
  return Object.fromEntries(ports) as Ports;
}

/**
 * Tries until it no longer throws. An `assert.ok` in it needs a message: without one Node parses the source to quote the
 * expression, which on what tsx compiled may go on for ever.
 */
export async function eventually<Value>(attempt: () => Value | Promise<Value>, withinMs = 10_000): Promise<Value> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
