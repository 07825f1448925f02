import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { needs } from '../system/tools.ts';
import { FAILURES, type Failure, PING, TCP, TCP_LIMIT_MS, WITHIN_MS } from './failures.ts';
import { createNetwork, whyNoNamespaces } from './network.ts';

const skip = whyNoNamespaces() ?? needs('nft');
const PROTOCOLS = ['tcp', 'http1', 'http2'] as const;
/** Data goes out every 100 ms on a busy connection, later on a busy machine, and its last ACK is as old. */
const DRIP_MS = 500;
/** The kernel delays its last ACK; with data unacknowledged, retransmission would be tested and not keepalive. */
const LAST_ACK_MS = 200;
const CLOCK_MS = 30;

/** How a client of the worker learns of it, and when. */
type End = { readonly status: string; readonly from: number; readonly to: number };
/** When the connections were opened and all there, and when the failure began and was there. */
type Times = { readonly openedAt: number; readonly openAt: number; readonly cutAt: readonly [number, number] };

function expected(kind: Failure['kind'], what: string, { openedAt, openAt, cutAt }: Times): End | undefined {
  const [protocol, state] = what.split(' ');
  const isBusy = state === 'busy';
  const within = (status: string, start: number, end: number, ms: number, early = 0): End => ({
    // Raw TCP has no way to say why.
    status: protocol === 'tcp' ? 'closed' : status,
    from: start + ms - early - CLOCK_MS,
    to: end + ms + WITHIN_MS,
  });
  switch (kind) {
    case 'frozen':
      // Its kernel answers for it, and requests may last.
      return undefined;
    case 'killed':
      return within('503', ...cutAt, 0);
    case 'reset':
      // The first that is sent is answered: data, or a probe.
      return isBusy ? within('503', ...cutAt, 0) : within('503', openedAt, openAt, TCP.timeMs);
    case 'silence':
      return isBusy ? within('504', ...cutAt, TCP_LIMIT_MS, DRIP_MS) : within('504', openedAt, openAt, TCP_LIMIT_MS);
    default:
      return kind satisfies never;
  }
}

test('backends that go, in every way, while an answer is awaited or a body is sent', { skip }, async (t) => {
  const network = createNetwork();
  try {
    const peers = FAILURES.map(({ behindNat }) => network.addPeer(behindNat === true ? 'worker' : undefined));
    const healthy = network.addPeer();
    const all = [...peers, healthy];
    const backends = all.map((peer) => peer.run('backend-process.ts'));
    const settings = { tcp: TCP, ping: PING, backends: all.map(({ address }) => address) };
    const worker = network.run('worker-process.ts', JSON.stringify(settings));
    for (const script of [...backends, worker]) await script.line(({ event }) => event === 'ready', 60_000);
    const client = network.run('upstream-client.ts', String(all.length));
    const { at: openedAt } = await client.line(({ event }) => event === 'opening', 60_000);
    for (const script of backends) await script.line(({ event }) => event === 'taken', 60_000);
    const openAt = Date.now();
    await sleep(LAST_ACK_MS);
    assert.deepEqual(client.lines(), []);
    const happened = FAILURES.map((failure, backend) => {
      const [peer, script] = [peers[backend], backends[backend]];
      assert.ok(peer !== undefined && script !== undefined);
      const from = Date.now();
      failure.happen(peer, script);
      return { failure, backend, times: { openedAt, openAt, cutAt: [from, Date.now()] as const } };
    });
    await sleep(TCP_LIMIT_MS + 2 * WITHIN_MS);
    const ends = client.lines().filter(({ event }) => event === 'ended');

    for (const { failure, backend, times } of happened) {
      await t.test(failure.name, (s) => {
        for (const what of PROTOCOLS.flatMap((protocol) => [`${protocol} quiet`, `${protocol} busy`])) {
          const end = expected(failure.kind, what, times);
          const ended = ends.find((line) => line['backend'] === backend && line['what'] === what);
          const [opened, cut] = [(ended?.at ?? 0) - times.openedAt, (ended?.at ?? 0) - times.cutAt[0]];
          const told = `${ended?.['status']}, ${opened} ms after it was opened, ${cut} ms after the failure`;
          s.diagnostic(`${what}: ${ended === undefined ? 'open' : told}`);
          assert.equal(ended?.['status'], end?.status, what);
          if (end === undefined || ended === undefined) continue;
          assert.ok(ended.at >= end.from, `${what}: ${end.from - ended.at} ms too early`);
          assert.ok(ended.at <= end.to, `${what}: ${ended.at - end.to} ms too late`);
        }
      });
    }

    await t.test('a healthy backend beside them keeps all', () => {
      assert.deepEqual(
        ends.filter((line) => line['backend'] === peers.length),
        [],
      );
    });
  } finally {
    network.close();
  }
});
