import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { ROOT } from '../../system/tools.ts';

const SOURCE = join(ROOT, 'test/bench/worker/load.c');
const BUILT = join(ROOT, 'node_modules/.cache/pulseplane/bench-worker');
const PROGRAM = join(BUILT, 'load');

/** Connections that are held open. */
export type Held = {
  /** Opens up to so many, and gives what became of all since the beginning. */
  grow(count: number): Promise<{ readonly open: number; readonly closed: number; readonly pings: number }>;
  stop(): Promise<void>;
};

export type Times = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** Compiles the program that is both ends of the proxies; Node would be the limit itself. */
export function buildLoad(): void {
  mkdirSync(BUILT, { recursive: true });
  const { status, stderr, error } = spawnSync('cc', ['-O2', '-o', PROGRAM, SOURCE], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cc, which the bench needs, failed: ${error?.message ?? stderr}`);
}

const run = promisify(execFile);

async function figures<Figures>(...args: readonly (string | number)[]): Promise<Figures> {
  const { stdout } = await run(PROGRAM, args.map(String));
  return JSON.parse(stdout) as Figures;
}

/** Bytes a second that come through a port, over so many connections. */
export async function bulk(port: number, connections: number, seconds: number): Promise<number> {
  const { bytesPerSecond } = await figures<{ bytesPerSecond: number }>('bulk', port, connections, seconds);
  return bytesPerSecond;
}

/** Connections that live for 64 bytes there and back, so many at a time. */
export function short(port: number, concurrent: number, seconds: number): Promise<Times> {
  return figures('short', port, concurrent, seconds);
}

/** How long a byte takes there and back, sent every millisecond. */
export function probe(port: number, seconds: number): Promise<Times> {
  return figures('probe', port, seconds);
}

/** Holds TCP connections that have carried a byte, or HTTP/2 sessions that answer PINGs. */
export function hold(kind: 'tcp' | 'http2', port: number): Held {
  const child = start(kind, port);
  return {
    grow: async (count) => {
      child.write(`${count}\n`);
      return JSON.parse(await child.line()) as { open: number; closed: number; pings: number };
    },
    stop: child.stop,
  };
}

/** Where the proxies lead: `raw` echoes or sends without end, `http` answers each request with 128 bytes. */
export async function startBackend(ports: { readonly raw: number; readonly http: number }) {
  const child = start('backend', ports.raw, ports.http);
  await child.line();
  return { stop: child.stop };
}

function start(...args: readonly (string | number)[]) {
  const child: ChildProcess = spawn(PROGRAM, args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('a child without pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    write: (text: string): void => void stdin.write(text),
    line: async (): Promise<string> => {
      const line = await lines.next();
      if (line.done === true) throw new Error(`load ${args.join(' ')} ended before it was asked to`);
      return line.value;
    },
    stop: (): Promise<void> =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}
