import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../../system/tools.ts';
import { CLUSTER_TYPE_URL, RESOURCE_TYPE_URL } from './messages.ts';
import { onServerCore } from './process-figures.ts';
import { program } from './programs.ts';
import type { Size, XdsServer } from './xds-server.ts';

/** Where `test/bench/xds/peer/build.sh` puts the peer. */
export const { XDS_PEER_BIN: PEER = join(ROOT, 'node_modules/.cache/pulseplane/xds-peer') } = process.env;

export const hasPeer = existsSync(PEER);

/** The product's xDS server, without what makes its resources. */
export function startProductServer({ streams, resources }: Size): Promise<XdsServer> {
  return start(RESOURCE_TYPE_URL, process.execPath, [program('product-server'), String(streams), String(resources)]);
}

/** Frames on sockets, and nothing else. */
export function startFrameServer({ streams }: Size): Promise<XdsServer> {
  return start(CLUSTER_TYPE_URL, process.execPath, [program('frame-server'), String(streams)]);
}

/** go-control-plane's delta server. */
export function startPeer(cache: 'snapshot' | 'linear', windows: 'dynamic' | 'static') {
  return ({ streams, resources }: Size): Promise<XdsServer> =>
    start(CLUSTER_TYPE_URL, PEER, [
      ...['-streams', String(streams), '-resources', String(resources)],
      ...['-cache', cache, '-windows', windows],
    ]);
}

export async function start(typeUrl: string, command: string, args: readonly string[]): Promise<XdsServer> {
  const child: ChildProcess = spawn(...onServerCore(command, args), { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('a child without pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<number> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`${command} ended before it was asked to`);
    return Number(line.value);
  };
  return {
    // taskset becomes the program: its process stays.
    pid: child.pid ?? 0,
    port: await next(),
    typeUrl,
    role: 'bench~gateway',
    opened: async () => {
      await next();
    },
    change: () => {
      stdin.write('\n');
      return next();
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}
