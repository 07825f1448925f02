import { type ChildProcess, spawn } from 'node:child_process';
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** The same for every server, so that a comparison of starts is one of servers. */
const POLL_MS = 5;
const POLL_TIMEOUT_MS = 1_000;
const PATIENCE_MS = 120_000;

/** `readyMs` is the time from its spawn to its first answer of 200. */
export type ServerProcess = { readonly pid: number; readonly readyMs: number; stop(): Promise<void> };

/** Starts a program and asks an address of it until that answers with 200. */
export async function startServer(
  command: string,
  args: readonly string[],
  readyUrl: string,
  stderr: 'inherit' | 'ignore' = 'inherit',
): Promise<ServerProcess> {
  const startedAt = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', stderr] });
  while (!(await answersOk(readyUrl))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${command} ended before it was ready`);
    if (performance.now() - startedAt > PATIENCE_MS) {
      await stop(child);
      throw new Error(`${command} was not ready within ${PATIENCE_MS / 1000} s`);
    }
    await delay(POLL_MS);
  }
  return { pid: child.pid ?? 0, readyMs: performance.now() - startedAt, stop: () => stop(child) };
}

function answersOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { agent: false, signal: AbortSignal.timeout(POLL_TIMEOUT_MS) }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGTERM');
  });
}
