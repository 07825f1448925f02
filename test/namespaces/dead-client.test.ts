import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { needs } from '../system/tools.ts';
import { FAILURES, type Failure, PING, PING_LIMIT_MS, TCP, TCP_LIMIT_MS, WITHIN_MS } from './failures.ts';
import { createNetwork, type Line, type Peer, whyNoNamespaces } from './network.ts';
import { PORTS } from './ports.ts';

const skip = whyNoNamespaces() ?? needs('nft', 'tcpdump');
const HEALTHY_OF_EACH = 250;
/** Data goes out every 100 ms on a busy connection, later on a busy machine, and its last ACK is as old. */
const TICK_MS = 500;
/** The kernel asks a shut window after ever longer times, so that the last answer before a cut may be that old. */
const WINDOW_MS = 3_000;
/** A clock of milliseconds, and the time that the news takes. */
const CLOCK_MS = 30;
/** A PING may come earlier by a tenth of its interval: the quiet time before it is sampled. */
const SAMPLE_MS = 250;

/** When a connection may end, by the same clock. */
type End = { readonly reason: string; readonly from: number; readonly to: number };
type Opened = Readonly<Record<string, { readonly port: number; readonly at: number }>>;

/** @param at when its last byte came; @param cutAt when the failure began and was there */
function expected(kind: Failure['kind'], what: string, at: number, cutAt: readonly [number, number]): End | undefined {
  const [protocol, state] = what.split(' ');
  const isBusy = state === 'busy';
  const since = (reason: string, start: number, end: number, ms: number, early: number): End => ({
    reason,
    from: start + ms - early - CLOCK_MS,
    to: end + ms + WITHIN_MS,
  });
  // Its kernel holds what has not gone out, and answers probes, after the process too.
  if (kind === 'killed' && (state === 'ended' || state === 'held')) return undefined;
  if (kind === 'killed') return since('peer', cutAt[0], cutAt[1], 0, 0);
  if (kind === 'reset') {
    // The answer to the next probe; nobody reads, and so it is found when the limit may be over.
    if (state === 'ended' || state === 'held') return { ...since('peer', at, cutAt[1], TCP_LIMIT_MS, TCP_LIMIT_MS) };
    if (state === 'stalled') return { ...since('peer', cutAt[0], cutAt[1], WINDOW_MS, WINDOW_MS) };
    // The first that is sent is answered: data, or a probe, or a PING.
    return isBusy
      ? since('peer', cutAt[0], cutAt[1], 0, 0)
      : since('peer', at, at, TCP.timeMs, protocol === 'ping' ? SAMPLE_MS : 0);
  }
  if (protocol === 'ping') {
    // A busy session is quiet too, because the client has nothing to say: a PING may be on its way at the cut.
    return isBusy
      ? { ...since('ping_timeout', cutAt[0], cutAt[1], PING_LIMIT_MS, PING.http2KeepaliveIntervalMs + SAMPLE_MS) }
      : since('ping_timeout', at, at, PING_LIMIT_MS, SAMPLE_MS);
  }
  // Its kernel answers for it.
  if (kind === 'frozen') return undefined;
  if (state === 'held') return since('keepalive_timeout', cutAt[0], cutAt[1], TCP_LIMIT_MS, TCP.timeMs);
  if (state === 'stalled') return since('keepalive_timeout', cutAt[0], cutAt[1], TCP_LIMIT_MS, WINDOW_MS);
  return isBusy
    ? since('keepalive_timeout', cutAt[0], cutAt[1], TCP_LIMIT_MS, TICK_MS)
    : since('keepalive_timeout', at, at, TCP_LIMIT_MS, 0);
}

test('clients that go, in every way, quiet or with data on the way, beside a thousand healthy ones', {
  skip,
}, async (t) => {
  const network = createNetwork();
  try {
    const worker = network.run('worker-process.ts', JSON.stringify({ tcp: TCP, ping: PING, backends: [] }));
    const cases = FAILURES.map((failure) => ({
      failure,
      peer: network.addPeer(failure.behindNat === true ? 'peer' : undefined),
    }));
    const healthy = network.addPeer();
    const { admin } = await worker.line(({ event }) => event === 'ready', 30_000);
    const neighbour = healthy.run('client-process.ts', healthy.workerAddress, String(HEALTHY_OF_EACH), 'quiet');
    await neighbour.line(({ event }) => event === 'quiet', 60_000);
    const captured = capture(cases.find(({ failure }) => failure.name.startsWith('nothing reaches'))?.peer);

    const happened = await Promise.all(
      cases.map(async ({ failure, peer }) => {
        const client = peer.run('client-process.ts', peer.workerAddress);
        const { opened } = await client.line(({ event }) => event === 'quiet', 60_000);
        const from = Date.now();
        failure.happen(peer, client);
        return { failure, peer, opened: opened as Opened, cutAt: [from, Date.now()] as const };
      }),
    );
    await sleep(TCP_LIMIT_MS + WITHIN_MS + 500);
    const closes = worker.lines().filter(({ event }) => event === 'closed');

    for (const { failure, peer, opened, cutAt } of happened) {
      await t.test(failure.name, (s) => {
        for (const [what, { port, at }] of Object.entries(opened)) {
          const end = expected(failure.kind, what, at, cutAt);
          const closed = closes.find((line) => line['peer'] === `${peer.address}:${port}`);
          s.diagnostic(`${what}: ${closed === undefined ? 'open' : tell(closed, at, cutAt)}`);
          assert.equal(closed?.['reason'], end?.reason, what);
          if (end === undefined || closed === undefined) continue;
          assert.ok(closed.at >= end.from, `${what}: ${end.from - closed.at} ms too early`);
          assert.ok(closed.at <= end.to, `${what}: ${closed.at - end.to} ms too late`);
        }
      });
    }

    await t.test('the healthy ones are all there', () => {
      const page = network.exec('curl', '-s', `http://127.0.0.1:${admin}/connections?peer=${healthy.address}`);
      const { connections } = JSON.parse(page) as { connections: unknown[] };
      assert.equal(connections.length, 4 * HEALTHY_OF_EACH);
    });

    await t.test('on the wire: a probe when idle, then one in each interval, as many as configured', (s) => {
      const found = happened.find(({ peer }) => peer === captured.peer);
      const { port, at } = found?.opened['tcp quiet'] ?? { port: 0, at: 0 };
      const seen = captured.packets().filter(({ to, at: when }) => to === port && when > at + WITHIN_MS);
      s.diagnostic(seen.map(({ at: when, flags }) => `${flags} after ${Math.round(when - at)} ms`).join(', '));
      const times = Array.from({ length: TCP.retries }, (_, n) => TCP.timeMs + n * TCP.intervalMs);
      assert.deepEqual(
        seen.map(({ flags }) => flags),
        [...times.map(() => '.'), 'R.'],
      );
      for (const [n, ms] of [...times, TCP_LIMIT_MS].entries()) {
        const late = (seen[n]?.at ?? 0) - at - ms;
        assert.ok(late >= -CLOCK_MS && late <= 300, `packet ${n} came ${late} ms late`);
      }
    });
  } finally {
    network.close();
  }
});

function tell({ at: closedAt, reason }: Line, at: number, [cutAt]: readonly [number, number]): string {
  return `${reason}, ${closedAt - at} ms after its last byte, ${closedAt - cutAt} ms after the failure`;
}

type Packet = { readonly at: number; readonly to: number; readonly flags: string };

/** What the worker's TCP port sends to a peer, seen where it comes out of the cable. */
function capture(peer: Peer | undefined): { readonly peer: Peer; packets(): readonly Packet[] } {
  if (peer === undefined) throw new Error('no peer to watch');
  let text = '';
  const filter = `tcp and src host ${peer.workerAddress} and src port ${PORTS.tcp}`;
  const onText = (chunk: string) => {
    text += chunk;
  };
  peer.spawn(onText, 'tcpdump', '-i', 'cable', '-tt', '-n', '-l', filter);
  return {
    peer,
    packets: () =>
      [...text.matchAll(/^([\d.]+) IP \S+ > \S+\.(\d+): Flags \[([^\]]+)\]/gm)].map(([, at, to, flags]) => ({
        at: Number(at) * 1_000,
        to: Number(to),
        flags: flags ?? '',
      })),
  };
}
