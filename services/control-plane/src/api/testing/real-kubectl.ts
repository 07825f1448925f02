import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export type Run = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const { error } = spawnSync('kubectl', ['version', '--client'], { env: { ...process.env, HOME: tmpdir() } });

/** For tests: false, or why they cannot run here. */
export const noKubectl = error === undefined ? false : 'kubectl is not on the PATH';

/** The kubectl of the PATH on a server. It has a home of its own, because it and its dispatcher keep caches there. */
export class RealKubectl {
  readonly #home = mkdtempSync(join(tmpdir(), 'pulseplane-kubectl-'));
  readonly #server: string;

  constructor(server: string) {
    this.#server = server;
  }

  /** Runs a command line, whose arguments have no spaces in them, to its end. */
  async run(command: string, input = ''): Promise<Run> {
    const env = { PATH: process.env['PATH'], HOME: this.#home, KUBECACHEDIR: join(this.#home, 'cache') };
    const child = spawn('kubectl', ['-s', this.#server, ...command.split(' ')], { env });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code, stdout, stderr };
  }

  /** Removes what it keeps. */
  remove(): void {
    rmSync(this.#home, { recursive: true, force: true });
  }
}
