import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A worker in a network namespace of its own, and peers in theirs, each at the end of its own cable. */
export type Network = {
  /** @param nat who is behind a NAT on the way */
  addPeer(nat?: 'peer' | 'worker'): Peer;
  /** Runs a script of this folder beside the worker, or as it. */
  run(script: string, ...args: readonly string[]): Script;
  /** Runs a command there. */
  exec(...command: readonly string[]): string;
  close(): void;
};

export type Peer = {
  /** The worker, as the peer sees it. */
  readonly workerAddress: string;
  /** The peer, as the worker sees it. */
  readonly address: string;
  run(script: string, ...args: readonly string[]): Script;
  exec(...command: readonly string[]): string;
  /** Runs a command until the network is closed; its standard output goes to `onText`. */
  spawn(onText: (text: string) => void, ...command: readonly string[]): void;
  /** The worker hears of no end of the cable but that it is cut. */
  cutCable(): void;
  /** Drops what comes to the peer, or what leaves it. */
  dropPackets(direction: 'in' | 'out'): void;
  /** The NAT forgets the connections that it knows, and says so to who goes on, or does not. */
  forgetConnections(how: 'silent' | 'reset'): void;
};

export type Script = {
  /** The next line that the script wrote for which `wanted` holds. */
  line(wanted: (line: Line) => boolean, ms: number): Promise<Line>;
  /** All lines so far that nobody has taken. */
  lines(): readonly Line[];
  signal(signal: NodeJS.Signals): void;
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
  const prefix = `pp-${process.pid}-${made}`;
  const worker = `${prefix}-w`;
  const spaces: string[] = [];
  const scripts = new Set<ChildProcess>();
  const exec = (space: string, args: readonly string[]) => command('ip', 'netns', 'exec', space, ...args);
  const run = (space: string, script: string, args: readonly string[]) => {
    const path = new URL(script, import.meta.url).pathname;
    const node = [process.execPath, '--conditions=@pulseplane/source', '--import', 'tsx', path, ...args];
    const child = spawn('ip', ['netns', 'exec', space, ...node], { stdio: ['pipe', 'pipe', 'inherit'] });
    scripts.add(child);
    child.stdin.on('error', () => undefined);
    return follow(child);
  };
  const add = (space: string) => {
    command('ip', 'netns', 'add', space);
    spaces.push(space);
    command('ip', '-n', space, 'link', 'set', 'lo', 'up');
    return space;
  };
  const connect = (left: Plug, right: Plug) => {
    const ends = ['type', 'veth', 'peer', 'name', right.cable, 'netns', right.space];
    command('ip', '-n', left.space, 'link', 'add', left.cable, ...ends);
    for (const { space, cable, address } of [left, right]) {
      command('ip', '-n', space, 'addr', 'add', `${address}/24`, 'dev', cable);
      command('ip', '-n', space, 'link', 'set', cable, 'up');
    }
  };
  add(worker);
  let peers = 0;

  return {
    exec: (...args) => exec(worker, args),
    run: (script, ...args) => run(worker, script, args),
    addPeer(nat) {
      peers += 1;
      const near = `10.77.${peers}`;
      const space = add(`${prefix}-p${peers}`);
      const end = { space: worker, cable: `cable${peers}`, address: `${near}.1` };
      const peer = (address: string, router?: { readonly space: string; readonly outer: Plug }): Peer => ({
        workerAddress: end.address,
        address,
        run: (script, ...args) => run(space, script, args),
        exec: (...args) => exec(space, args),
        spawn(onText, ...args) {
          const child = spawn('ip', ['netns', 'exec', space, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
          scripts.add(child);
          child.stdout.setEncoding('utf8').on('data', onText);
        },
        cutCable: () => void command('ip', '-n', space, 'link', 'set', 'cable', 'down'),
        dropPackets(direction) {
          const chain = `{ type filter hook ${direction}put priority 0; policy drop; }`;
          exec(space, ['nft', `add table inet cut; add chain inet cut packets ${chain}`]);
        },
        forgetConnections(how) {
          if (router === undefined) throw new Error('there is no NAT on the way to this peer');
          const { outer } = router;
          exec(router.space, ['nft', how === 'silent' ? SILENT : RESET]);
          // Without its outer address a masquerading router forgets what it has translated to it.
          for (const verb of ['del', 'add']) {
            command('ip', '-n', outer.space, 'addr', verb, `${outer.address}/24`, 'dev', outer.cable);
          }
        },
      });
      if (nat === undefined) {
        connect(end, { space, cable: 'cable', address: `${near}.2` });
        return peer(`${near}.2`);
      }
      const far = `10.78.${peers}`;
      const router = add(`${prefix}-r${peers}`);
      const toWorker = { space: router, cable: 'worker', address: `${near}.2` };
      const toPeer = { space: router, cable: 'peer', address: `${far}.1` };
      connect(end, toWorker);
      connect(toPeer, { space, cable: 'cable', address: `${far}.2` });
      exec(router, [
        'sh',
        '-c',
        'cd /proc/sys/net; echo 1 > ipv4/ip_forward; echo 0 > netfilter/nf_conntrack_tcp_loose',
      ]);
      const outer = nat === 'peer' ? toWorker : toPeer;
      exec(router, ['nft', `${NAT} add rule ip nat out oif ${outer.cable} masquerade;`]);
      if (nat === 'peer') command('ip', '-n', space, 'route', 'add', 'default', 'via', toPeer.address);
      else command('ip', '-n', worker, 'route', 'add', `${far}.0/24`, 'via', toWorker.address);
      return peer(nat === 'peer' ? `${near}.2` : `${far}.2`, { space: router, outer });
    },
    close() {
      for (const child of scripts) child.kill('SIGKILL');
      for (const space of spaces) command('ip', 'netns', 'del', space);
    },
  };
}

type Plug = { readonly space: string; readonly cable: string; readonly address: string };

const NAT = 'add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; };';
/** What the router does with packets of connections that it does not know. */
const UNKNOWN = (hook: string, verdict: string) =>
  `add table ip ${hook}; add chain ip ${hook} packets { type filter hook ${hook} priority 0; };` +
  `add rule ip ${hook} packets ct state new,invalid ${verdict};`;
const SILENT = UNKNOWN('input', 'drop') + UNKNOWN('forward', 'drop');
/** To itself the router's own TCP answers that. */
const RESET = UNKNOWN('forward', 'reject with tcp reset');

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
    lines: () => lines,
    // "ip netns exec" becomes the program.
    signal: (signal) => void child.kill(signal),
    stop: () => void child.stdin?.end(),
  };
}

function command(file: string, ...args: readonly string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 });
}
