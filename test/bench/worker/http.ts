import { freePorts } from '../../system/running-system.ts';
import { h2load } from '../h2load.ts';
import { say } from '../part.ts';
import { median } from '../rounds.ts';
import { interleaved, NAMES, type Name, type Part, row, versus } from './contenders.ts';
import { startBackend } from './load.ts';
import type { RunningProxy } from './proxy-process.ts';

/** Clients, and how many requests each has under way. */
const LOADS = {
  http1: { connections: 64, streams: 1 },
  http2: { connections: 16, streams: 32 },
  http2_one_stream: { connections: 64, streams: 1 },
} as const;

type Load = keyof typeof LOADS;
type Figure = { readonly perSecond: number; readonly p99Ms: number };
type Figures = Readonly<Record<Load, Figure>>;

/** Requests a second with answers of 128 bytes, always over HTTP/1.1 to the backend. */
export const http: Part = async (directory, { rounds, seconds }) => {
  if (!h2load.available) {
    say('\nh2load (nghttp2-client) is not on PATH: requests are left out');
    return {};
  }
  const measure = async (load: Load, port: number): Promise<Figure> => {
    const { connections, streams } = LOADS[load];
    const request = { url: `http://127.0.0.1:${port}/`, headers: [], http1: load === 'http1', streams };
    return h2load.run(request, connections, seconds);
  };
  const measureAll = async ({ ports }: RunningProxy): Promise<Figures> => ({
    http1: await measure('http1', ports.http1),
    http2: await measure('http2', ports.http2),
    http2_one_stream: await measure('http2_one_stream', ports.http2),
  });
  const title = Object.entries(LOADS).map(([name, load]) => `${name} ${load.connections} x ${load.streams}`);
  say(`\nHTTP requests a second, p99 ms: ${title.join(', ')} (connections x requests under way)`);
  row('', 'HTTP/1.1', 'HTTP/2', 'HTTP/2, one stream');
  const { upstream, http: own } = await freePorts();
  const backend = await startBackend({ raw: own, http: upstream });
  const direct = await measure('http1', upstream);
  row('direct', text(direct));
  await backend.stop();
  const found = await interleaved(directory, rounds, measureAll);
  const middle = (load: Load, of: keyof Figure) => (name: Name) => {
    const all = found.get(name);
    return all && median(all.map((figures) => figures[load][of]));
  };
  for (const name of NAMES) {
    const cells = (Object.keys(LOADS) as Load[]).map((load) =>
      text({ perSecond: middle(load, 'perSecond')(name) ?? 0, p99Ms: middle(load, 'p99Ms')(name) ?? 0 }),
    );
    row(name, ...cells);
  }
  return {
    ...versus('http1_requests', 'nginx', middle('http1', 'perSecond')),
    ...versus('http2_requests', 'nginx', middle('http2', 'perSecond')),
    ...versus('http2_requests_one_stream', 'nginx', middle('http2_one_stream', 'perSecond')),
    ...versus('http2_requests', 'haproxy', middle('http2', 'perSecond')),
    ...versus('http2_p99', 'nginx', middle('http2', 'p99Ms')),
  };
};

function text({ perSecond, p99Ms }: Figure): string {
  return `${perSecond.toFixed(0)}, ${p99Ms.toFixed(1)}`;
}
