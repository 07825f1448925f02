import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../system/running-system.ts';
import { say } from '../part.ts';
import { startBackend } from './load.ts';
import { missing, type Places, type RunningProxy, startHaproxy, startNginx } from './proxy-process.ts';
import { startPulseplane } from './pulseplane.ts';

export type Name = 'pulseplane' | 'haproxy' | 'nginx';

/** How long and how often to measure. */
export type Effort = {
  readonly rounds: number;
  readonly seconds: number;
  /** How many connections are held at first, and at most. */
  readonly few: number;
  readonly connections: number;
  /** How often a policy of all of them is changed. */
  readonly changes: number;
  /** For how long PINGs are watched. */
  readonly pingSeconds: number;
};

/** Those that are here. */
export const NAMES: readonly Name[] = (['pulseplane', 'haproxy', 'nginx'] as const).filter(
  (name) => name === 'pulseplane' || missing[name] === undefined,
);

/** A part of the bench: prints its figures, and gives those that are ratios or have a goal. */
export type Part = (directory: string, effort: Effort) => Promise<Readonly<Record<string, number>>>;

/** A proxy before a backend of its own. */
export async function startContender(name: Name, directory: string): Promise<RunningProxy> {
  const { upstream, rest, tcp, http, xds } = await freePorts();
  const places: Places = { backend: { raw: upstream, http: rest }, tcp, http1: http, http2: xds };
  const backend = await startBackend(places.backend);
  mkdirSync(directory, { recursive: true });
  const own = mkdtempSync(join(directory, `${name}-`));
  const proxy = await start(name, own, places);
  return {
    ...proxy,
    stop: async () => {
      await proxy.stop();
      await backend.stop();
    },
  };
}

function start(name: Name, directory: string, places: Places): Promise<RunningProxy> {
  switch (name) {
    case 'pulseplane':
      return startPulseplane(places);
    case 'haproxy':
      return startHaproxy(directory, places);
    case 'nginx':
      return startNginx(directory, places);
  }
}

/** Starts all that are here, measures one after the other in each round, and stops them. */
export async function interleaved<Figure>(
  directory: string,
  rounds: number,
  measure: (proxy: RunningProxy) => Promise<Figure>,
): Promise<ReadonlyMap<Name, readonly Figure[]>> {
  const running = new Map<Name, RunningProxy>();
  const found = new Map<Name, Figure[]>();
  try {
    for (const name of NAMES) {
      running.set(name, await startContender(name, directory));
      found.set(name, []);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, proxy] of running) found.get(name)?.push(await measure(proxy));
    }
    return found;
  } finally {
    for (const proxy of running.values()) await proxy.stop();
  }
}

/** Prints a line of figures under their name. */
export function row(name: string, ...figures: readonly string[]): void {
  say(name.padEnd(12) + figures.map((figure) => figure.padStart(22)).join(''));
}

/** What `figure` is for the worker, as a share of what it is for a peer; nothing when the peer is not here. */
export function versus(
  key: string,
  peer: Name,
  figure: (name: Name) => number | undefined,
): Readonly<Record<string, number>> {
  const [own, other] = [figure('pulseplane'), figure(peer)];
  return own === undefined || other === undefined ? {} : { [`${key}_vs_${peer}`]: own / other };
}
