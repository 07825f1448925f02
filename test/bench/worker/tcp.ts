import { freePorts } from '../../system/running-system.ts';
import { say } from '../part.ts';
import { median } from '../rounds.ts';
import { interleaved, NAMES, type Name, type Part, row, versus } from './contenders.ts';
import { bulk, short, startBackend, type Times } from './load.ts';

const MANY = 16;
const SHORT_AT_ONCE = 64;

type Figures = { readonly one: number; readonly many: number; readonly short: Times };

/** Bytes a second of TCP, and connections that carry 64 bytes each way. */
export const tcp: Part = async (directory, { rounds, seconds }) => {
  const measure = async (port: number): Promise<Figures> => ({
    one: await bulk(port, 1, seconds),
    many: await bulk(port, MANY, seconds),
    short: await short(port, SHORT_AT_ONCE, seconds),
  });
  say(`\nTCP: GB/s over one connection and over ${MANY}; short connections, ${SHORT_AT_ONCE} at a time`);
  row('', 'GB/s 1', `GB/s ${MANY}`, 'short a second', 'p50 / p99 ms');
  const { upstream, http } = await freePorts();
  const backend = await startBackend({ raw: upstream, http });
  // What the two ends reach on their one core, without a proxy.
  print('direct', [await measure(upstream)]);
  await backend.stop();
  const found = await interleaved(directory, rounds, ({ ports }) => measure(ports.tcp));
  for (const name of NAMES) print(name, found.get(name) ?? []);
  const middle = (of: (figures: Figures) => number) => (name: Name) => {
    const all = found.get(name);
    return all && median(all.map(of));
  };
  return {
    ...versus(
      'tcp_bulk',
      'haproxy',
      middle(({ one }) => one),
    ),
    ...versus(
      'tcp_bulk_16',
      'haproxy',
      middle(({ many }) => many),
    ),
    ...versus(
      'short_connections',
      'haproxy',
      middle((figures) => figures.short.perSecond),
    ),
    ...versus(
      'short_connections',
      'nginx',
      middle((figures) => figures.short.perSecond),
    ),
  };
};

function print(name: string, all: readonly Figures[]): void {
  const middle = (of: (figures: Figures) => number): number => median(all.map(of));
  row(
    name,
    (middle(({ one }) => one) / 1e9).toFixed(2),
    (middle(({ many }) => many) / 1e9).toFixed(2),
    middle((figures) => figures.short.perSecond).toFixed(0),
    `${middle((figures) => figures.short.p50Ms).toFixed(1)} / ${middle((figures) => figures.short.p99Ms).toFixed(1)}`,
  );
}
