import { type ChildProcess, spawn } from 'node:child_process';

/** A process to keep alive. Its standard error goes to `log`. */
export type Program = {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  /** Beside this process's own environment: what must not stand among the arguments, which `ps` shows. */
  readonly env?: Readonly<Record<string, string>>;
  readonly log: { write(text: string): void };
};

export type SupervisorOptions = {
  /** Tells the person at the terminal. */
  readonly say: (line: string) => void;
  /** A program refused its settings or its port (exit code 2): starting it again would not help. */
  readonly onRefused: (name: string, reason: string) => void;
};

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** A program that ran this long before it died is started again without added delay. */
const HEALTHY_AFTER_MS = 30_000;
const STOP_WITHIN_MS = 10_000;
const REFUSED = 2;
/** Characters of a program's output that are kept to say why it died. */
const LAST_WORDS = 8_000;

/** Starts programs and starts those that die again, ever more slowly; stops all of them when asked. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<string, ChildProcess>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  start(program: Program, deaths = 0): void {
    if (this.#stopping) return;
    // A process group of its own: Ctrl-C reaches the supervisor alone, which then stops the children in order.
    const child = spawn(process.execPath, [program.script, ...program.args], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
      env: { ...process.env, ...program.env },
    });
    this.#children.set(program.name, child);
    const startedAt = Date.now();
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-LAST_WORDS);
      program.log.write(text);
    });
    child.on('error', (error) => this.#options.say(`${program.name} cannot be started: ${error.message}`));
    // `close`, not `exit`: only then is the last line read.
    child.on('close', (code, signal) => {
      this.#children.delete(program.name);
      if (this.#stopping) return;
      if (code === REFUSED) return this.#options.onRefused(program.name, said.trimEnd().split('\n').at(-1) ?? '');
      const inARow = Date.now() - startedAt > HEALTHY_AFTER_MS ? 0 : deaths;
      const delay = Math.min(FIRST_DELAY_MS * 2 ** inARow, LONGEST_DELAY_MS);
      const how = signal ?? `exit code ${code}${errorIn(said)}`;
      this.#options.say(`${program.name} died (${how}); starting it again in ${delay / 1000} s`);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.start(program, inARow + 1);
      }, delay);
      this.#timers.add(timer);
    });
  }

  /** The process ids of what runs now. */
  pids(): ReadonlyMap<string, number> {
    return new Map([...this.#children].flatMap(([name, { pid }]) => (pid === undefined ? [] : [[name, pid]])));
  }

  /** Ends every child at once. */
  kill(): void {
    for (const child of this.#children.values()) child.kill('SIGKILL');
  }

  /** Asks every child to stop, and ends those that do not within ten seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#children.values()].map(stopChild));
  }
}

function stopChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    child.on('close', () => {
      clearTimeout(deadline);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

/** The uncaught error that Node printed when a program died, if there is one. */
function errorIn(said: string): string {
  const [error] = said.match(/^\w*Error\b.*$/gm)?.slice(-1) ?? [];
  return error === undefined ? '' : `: ${error.slice(0, 300)}`;
}
