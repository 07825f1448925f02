import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePorts } from './running-system.ts';
import { ROOT } from './tools.ts';

const SCRIPT = join(ROOT, 'services/data-plane/dist/main.js');

export type WorkerOptions = {
  /** Where the control plane serves xDS, on loopback. */
  readonly xds: number;
  readonly nodeId: string;
  readonly listenAddress: string;
};

/** One more worker of the running system's gateway, as its operator starts it; killed when it is disposed. */
export async function spawnWorker({ xds, nodeId, listenAddress }: WorkerOptions): Promise<AsyncDisposable> {
  const own = await freePorts();
  const args = [
    ...['--control-plane', `127.0.0.1:${xds}`, '--node-id', nodeId, '--listen-address', listenAddress, '--insecure'],
    ...['--admin-port', String(own.admin), '--metrics-port', String(own.metrics)],
    ...['--readiness-port', String(own.readiness)],
  ];
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: 'ignore' });
  return {
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
