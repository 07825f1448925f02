import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Two network namespaces with a cable between them. */
export type Network = {
  readonly workerAddress: string;
  /** Runs a script of this folder in a namespace. */
  run(side: 'worker' | 'client', script: string, ...args: readonly string[]): Script;
  /** Runs a command in a namespace. */
  exec(side: 'worker' | 'client', ...command: readonly string[]): string;
  close(): void;
};

export type Script = {
  /** The next line that the script wrote for which `wanted` holds. */
  line(wanted: (line: Line) => boolean, ms: number): Promise<Line>;
  stop(): void;
};

export type Line = { readonly event: string; readonly at: number; readonly [field: string]: unknown };

/** Why namespaces cannot be made here, or undefined. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are Linux only';
  const probe = `pp-probe-${process.pid}`;
  try {
    command('ip', 'netns', 'add', probe);
    command('ip', 'netns', 'del', probe);
    return undefined;
  } catch (error) {
    return `ip netns cannot be used: ${error instanceof Error ? error.message.split('\n').join(' ').trim() : error}`;
  }
}

let made = 0;

export function createNetwork(): Network {
  made += 1;
  const id = `${process.pid}-${made}`;
  const names = { worker: `pp-w-${id}`, client: `pp-c-${id}` };
  const scripts = new Set<ChildProcess>();
  command('ip', 'netns', 'add', names.worker);
  command('ip', 'netns', 'add', names.client);
  command(
    'ip',
    '-n',
    names.worker,
    'link',
    'add',
    'cable',
    'type',
    'veth',
    'peer',
    'name',
    'cable',
    'netns',
    names.client,
  );
  const addresses = { worker: '10.77.0.1', client: '10.77.0.2' };
  for (const side of ['worker', 'client'] as const) {
    command('ip', '-n', names[side], 'addr', 'add', `${addresses[side]}/24`, 'dev', 'cable');
    command('ip', '-n', names[side], 'link', 'set', 'cable', 'up');
    command('ip', '-n', names[side], 'link', 'set', 'lo', 'up');
  }
  return {
    workerAddress: addresses.worker,
    exec: (side, ...args) => command('ip', 'netns', 'exec', names[side], ...args),
    run(side, script, ...args) {
      const path = new URL(script, import.meta.url).pathname;
      const node = [process.execPath, '--conditions=@pulseplane/source', '--import', 'tsx', path, ...args];
      const child = spawn('ip', ['netns', 'exec', names[side], ...node], { stdio: ['pipe', 'pipe', 'inherit'] });
      scripts.add(child);
      child.stdin.on('error', () => undefined);
      return follow(child);
    },
    close() {
      for (const child of scripts) child.kill('SIGKILL');
      command('ip', 'netns', 'del', names.worker);
      command('ip', 'netns', 'del', names.client);
    },
  };
}

function follow(child: ChildProcess): Script {
  const lines: Line[] = [];
  let wake: () => void = () => undefined;
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (text) => {
      lines.push(JSON.parse(text) as Line);
      wake();
    });
  }
  return {
    async line(wanted, ms) {
      const end = Date.now() + ms;
      for (;;) {
        const index = lines.findIndex(wanted);
        const found = lines[index];
        if (found !== undefined) {
          lines.splice(index, 1);
          return found;
        }
        const left = end - Date.now();
        if (left <= 0) throw new Error(`no such line within ${ms} ms; had ${JSON.stringify(lines)}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    stop: () => void child.stdin?.end(),
  };
}

function command(file: string, ...args: readonly string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
