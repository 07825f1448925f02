import { parseArgs } from 'node:util';
import { say } from './part.ts';
import { conclude, type Goal } from './rounds.ts';
import { startControlPlane } from './xds/control-plane.ts';
import { hasPeer, PEER, startFrameServer, startPeer, startProductServer } from './xds/line-server.ts';
import { moveToClientCore, PINNED } from './xds/process-figures.ts';
import { buildPrograms } from './xds/programs.ts';
import { type Contender, compare, type Figures, type Rounds } from './xds/run.ts';
import type { Size } from './xds/xds-server.ts';

/** How long it takes until a change is acknowledged by all of very many clients, beside go-control-plane. */

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } });
const quick = values.quick === true;
const ROUNDS: Rounds = quick ? { rounds: 1, changes: 5, warmUp: 2 } : { rounds: 3, changes: 12, warmUp: 8 };
const MANY_ROUNDS: Rounds = { ...ROUNDS, changes: 5, warmUp: 4 };
const STREAMS = quick ? 200 : 1_000;
const MANY_STREAMS = 5_000;

const GOALS: Readonly<Record<string, Goal>> = {
  last_ack_1_vs_go: '<=0.75',
  last_ack_100_vs_go: '<=0.25',
  cpu_per_message_vs_go: '<1',
  memory_per_stream_vs_go: '<1',
  last_ack_1000_vs_1_resources: '<=1.2',
};

const ours = (size: Size): Contender => ({ name: 'xDS server', size, start: startProductServer });
const whole = (size: Size): Contender => ({ name: 'control plane, PATCH to ACK', size, start: startControlPlane });
const frames = (size: Size): Contender => ({ name: 'frames on sockets', size, start: startFrameServer });

type Peers = Readonly<Record<'go' | 'goStatic' | 'goLinear', Contender>>;

/** go-control-plane's; none when it was not built. */
function peers(size: Size): Partial<Peers> {
  if (!hasPeer) return {};
  return {
    go: { name: 'go-control-plane, per node', size, start: startPeer('snapshot', 'dynamic') },
    ...(!quick && { goStatic: { name: '  the same, static windows', size, start: startPeer('snapshot', 'static') } }),
    goLinear: { name: 'go-control-plane, linear', size, start: startPeer('linear', 'dynamic') },
  };
}

async function measure<Key extends string>(
  title: string,
  contenders: Partial<Readonly<Record<Key, Contender>>>,
  rounds: Rounds,
): Promise<Partial<Record<Key, Figures>>> {
  const present = Object.fromEntries(Object.entries(contenders).filter(([, one]) => one !== undefined));
  const found = await compare(present as Record<Key, Contender>, rounds);
  say(`\n${title}`);
  say(`${''.padEnd(35)}last ACK p50/worst ms   stream p50/p99 ms   CPU µs a message   KB a stream`);
  for (const [key, figures] of Object.entries<Figures>(found)) {
    const { name, size } = present[key] as Contender;
    const { lastMs, worstMs, streamP50Ms, streamP99Ms, cpuMicros, streamBytes } = figures;
    const label = size.resources > 100 ? `${name}, ${size.resources}` : name;
    say(
      label.padEnd(35) +
        `${lastMs.toFixed(1)} / ${worstMs.toFixed(1)}`.padEnd(24) +
        `${streamP50Ms.toFixed(1)} / ${streamP99Ms.toFixed(1)}`.padEnd(20) +
        cpuMicros.toFixed(1).padEnd(19) +
        (streamBytes / 1024).toFixed(1),
    );
  }
  return found;
}

function ratio(one: Figures | undefined, other: Figures | undefined, of: (figures: Figures) => number): number {
  return one === undefined || other === undefined ? Number.NaN : of(one) / of(other);
}

const last = ({ lastMs }: Figures): number => lastMs;
const cpu = ({ cpuMicros }: Figures): number => cpuMicros;
const memory = ({ streamBytes }: Figures): number => streamBytes;

buildPrograms();
moveToClientCore();
say(
  PINNED ? 'servers on core 0, clients on core 1' : 'without cores of their own: taskset or a second core is missing',
);
if (!hasPeer)
  say(`go-control-plane is not at ${PEER}: its ratios are left out (test/bench/xds/peer/build.sh makes it)`);

const one = { streams: STREAMS, resources: 1 };
const hundred = { streams: STREAMS, resources: 100 };
const thousand = { streams: STREAMS, resources: 1_000 };
const many = { streams: MANY_STREAMS, resources: 1 };
const first = await measure(
  `${STREAMS} streams, one resource each`,
  {
    ours: ours(one),
    oursThousand: ours(thousand),
    whole: whole(one),
    ...(!quick && { wholeThousand: whole(thousand) }),
    frames: frames(one),
    ...peers(one),
  },
  ROUNDS,
);
const second = await measure(
  `${STREAMS} streams, 100 resources each, of which one changes`,
  { ours: ours(hundred), whole: whole(hundred), ...peers(hundred) },
  ROUNDS,
);
const third = quick
  ? {}
  : await measure(
      `${MANY_STREAMS} streams, one resource each`,
      { ours: ours(many), whole: whole(many), frames: frames(many), ...peers(many) },
      MANY_ROUNDS,
    );

const ratios: Readonly<Record<string, number>> = {
  last_ack_1_vs_go: ratio(first.ours, first.go, last),
  last_ack_100_vs_go: ratio(second.ours, second.go, last),
  last_ack_5000_streams_vs_go: ratio(third.ours, third.go, last),
  cpu_per_message_vs_go: ratio(first.ours, first.go, cpu),
  memory_per_stream_vs_go: ratio(first.ours, first.go, memory),
  last_ack_1_vs_go_static_windows: ratio(first.ours, first.goStatic, last),
  last_ack_1_vs_go_linear: ratio(first.ours, first.goLinear, last),
  last_ack_1000_vs_1_resources: ratio(first.oursThousand, first.ours, last),
  last_ack_1_vs_frames: ratio(first.ours, first.frames, last),
  whole_last_ack_1_vs_go: ratio(first.whole, first.go, last),
  whole_last_ack_100_vs_go: ratio(second.whole, second.go, last),
  whole_last_ack_1000_vs_1_resources: ratio(first.wholeThousand, first.whole, last),
};
const known = Object.fromEntries(Object.entries(ratios).filter(([, value]) => !Number.isNaN(value)));
conclude(quick ? 'xds-quick' : 'xds', known, GOALS);
