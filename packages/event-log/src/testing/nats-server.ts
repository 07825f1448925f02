import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CONFIGURATION = fileURLToPath(new URL('../../../../examples/nats/nats.conf', import.meta.url));
const OLDEST_MINOR = 15;

/** Why no test can start a nats-server here, or undefined when it can: `nats-server` on the PATH, or NATS_SERVER_BIN. */
export function whyNoNatsServer(): string | undefined {
  const { error, stdout } = spawnSync(binary(), ['--version'], { encoding: 'utf8' });
  if (error !== undefined) return 'nats-server is not on the PATH, nor in NATS_SERVER_BIN';
  const [, major = 0, minor = 0] = (/v(\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
  if (major > 2 || (major === 2 && minor >= OLDEST_MINOR)) return undefined;
  return `${stdout.trim()} is older than 2.${OLDEST_MINOR}`;
}

/** One real server with a store of its own, which is kept over restarts. */
export class NatsServer {
  readonly port: number;
  readonly #arguments: readonly string[];
  readonly #store = mkdtempSync(join(tmpdir(), 'pulseplane-nats-'));
  #process: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#arguments = args;
  }

  /** With the example's configuration, or with only these arguments. */
  static async start(args: readonly string[] = ['-c', CONFIGURATION]): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), args);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://pulse:pulse@127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const env = { ...process.env, CLIENT_PORT: String(this.port), STORE: this.#store };
    const child = spawn(
      binary(),
      this.#arguments.map((arg) => arg.replace('$PORT', env.CLIENT_PORT).replace('$STORE', env.STORE)),
      {
        env,
        stdio: 'ignore',
      },
    );
    this.#process = child;
    while (!(await accepts(this.port))) {
      if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends the process; what it has stored stays. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  /** Freezes the process, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  /** Removes what it has stored. */
  async close(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.#store, { recursive: true, force: true });
  }
}

function binary(): string {
  return process.env['NATS_SERVER_BIN'] || 'nats-server';
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('data', () => socket.destroy());
  });
}
