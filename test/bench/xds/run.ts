import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { median, percentile } from '../rounds.ts';
import type { Acknowledged, Opening } from './clients.ts';
import { cpuMicros, residentBytes } from './process-figures.ts';
import { program } from './programs.ts';
import type { Size, XdsServer } from './xds-server.ts';

/** One server of a comparison. */
export type Contender = {
  readonly name: string;
  readonly size: Size;
  readonly start: (size: Size) => Promise<XdsServer>;
};

/** What one contender came to: medians over the rounds. */
export type Figures = {
  /** From a change to the last ACK of it at the server: the median and the worst of a round. */
  readonly lastMs: number;
  readonly worstMs: number;
  /** From a change to each client's ACK of it. */
  readonly streamP50Ms: number;
  readonly streamP99Ms: number;
  /** CPU time of the server for a message and its ACK, in microseconds. */
  readonly cpuMicros: number;
  /** Memory of the server for a stream, after the last round. */
  readonly streamBytes: number;
};

export type Rounds = { readonly rounds: number; readonly changes: number; readonly warmUp: number };

type Change = { readonly lastMs: number; readonly streamMs: readonly number[]; readonly cpuMicros: number };

/** What follows a change at a server, garbage collection for one, is over before the next server has its turn. */
const REST_MS = 60;

/** Changes one contender after the other, again and again, so that whatever else the machine does weighs on all alike. */
export async function compare<Key extends string>(
  contenders: Readonly<Record<Key, Contender>>,
  { rounds, changes, warmUp }: Rounds,
): Promise<Readonly<Record<Key, Figures>>> {
  const running = new Map<Key, Running>();
  try {
    for (const [key, contender] of Object.entries(contenders) as [Key, Contender][]) {
      running.set(key, await start(contender));
    }
    for (let count = 0; count < warmUp; count += 1) for (const one of running.values()) await one.change();
    const measured = new Map<Key, Change[][]>([...running.keys()].map((key) => [key, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const all of measured.values()) all.push([]);
      for (let count = 0; count < changes; count += 1) {
        for (const [key, one] of running)
          measured
            .get(key)
            ?.at(-1)
            ?.push(await one.change());
      }
    }
    return Object.fromEntries([...running].map(([key, one]) => [key, figures(measured.get(key) ?? [], one)])) as Record<
      Key,
      Figures
    >;
  } finally {
    for (const one of running.values()) await one.stop();
  }
}

function figures(rounds: readonly (readonly Change[])[], { streams, streamBytes }: Running): Figures {
  const middle = (of: (round: readonly Change[]) => number): number => median(rounds.map(of));
  const all = (round: readonly Change[]): readonly number[] => round.flatMap(({ streamMs }) => streamMs);
  return {
    lastMs: middle((round) => median(round.map(({ lastMs }) => lastMs))),
    worstMs: middle((round) => Math.max(...round.map(({ lastMs }) => lastMs))),
    streamP50Ms: middle((round) => percentile(all(round), 0.5)),
    streamP99Ms: middle((round) => percentile(all(round), 0.99)),
    cpuMicros: middle((round) => round.reduce((sum, change) => sum + change.cpuMicros, 0) / round.length / streams),
    streamBytes: streamBytes(),
  };
}

type Running = {
  readonly streams: number;
  readonly streamBytes: () => number;
  readonly change: () => Promise<Change>;
  readonly stop: () => Promise<void>;
};

async function start({ size, start: startServer }: Contender): Promise<Running> {
  const { streams } = size;
  const server = await startServer(size);
  const bytesBefore = residentBytes(server.pid);
  const clients = fork(program('clients'), { execArgv: [] });
  const stop = async (): Promise<void> => {
    clients.kill('SIGKILL');
    await server.stop();
  };
  try {
    const { port, role, typeUrl } = server;
    const opened = acknowledged(clients);
    clients.send({ port, streams, role, typeUrl } satisfies Opening);
    await opened;
    await server.opened();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    streams,
    stop,
    streamBytes: () => (residentBytes(server.pid) - bytesBefore) / streams,
    change: async () => {
      const cpuBefore = cpuMicros(server.pid);
      const all = acknowledged(clients);
      const startedAt = Number(process.hrtime.bigint()) / 1e6;
      const [lastMs, { times }] = await Promise.all([server.change(all), all]);
      await delay(REST_MS);
      const streamMs = times.map((time) => time - startedAt);
      return { lastMs, streamMs, cpuMicros: cpuMicros(server.pid) - cpuBefore };
    },
  };
}

async function acknowledged(clients: ChildProcess): Promise<Acknowledged> {
  const ended = new AbortController();
  const end = (): void => ended.abort(new Error('the clients ended: see above'));
  // They may have ended while another server had its turn.
  if (clients.exitCode !== null) end();
  clients.once('exit', end);
  try {
    const [message] = await once(clients, 'message', { signal: ended.signal });
    return message as Acknowledged;
  } finally {
    clients.off('exit', end);
  }
}
