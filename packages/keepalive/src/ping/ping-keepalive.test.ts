import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from './clock.ts';
import { createPingKeepalive, type PingSettings, type PingTarget, type PingWatch } from './ping-keepalive.ts';

const SETTINGS = { intervalMs: 5_000, timeoutMs: 30_000 };
const BUCKET = 50;

test('a quiet session is pinged after the interval and closed when no ACK comes in time', () => {
  const world = createWorld();
  const peer = world.peer({ answers: false });
  world.watch(peer, SETTINGS);
  world.run(60_000);
  assert.equal(peer.pings.length, 1);
  assert.ok(within(peer.pings[0], 5_000), `pinged at ${peer.pings[0]}`);
  assert.ok(within(peer.closedAt, 35_000), `closed at ${peer.closedAt}`);
  assert.equal(world.pings.size, 0);
});

test('a peer that answers is pinged once in each interval and never closed', () => {
  const world = createWorld();
  const peer = world.peer({ answers: true });
  const watch = world.watch(peer, SETTINGS);
  world.run(61_000);
  assert.ok(peer.pings.length >= 11 && peer.pings.length <= 12, `${peer.pings.length} pings`);
  assert.equal(peer.closedAt, undefined);
  assert.equal(watch.lastRttMs, 3);
  assert.equal(watch.pingsSent, peer.pings.length);
});

test('a trickle of frames holds the PING back; it comes when the trickle ends, not later than the interval', () => {
  const world = createWorld();
  const peer = world.peer({ answers: true });
  world.watch(peer, SETTINGS);
  for (let second = 1; second <= 20; second += 1) {
    world.run(1_000);
    peer.receive();
  }
  assert.equal(peer.pings.length, 0);
  world.run(5_100);
  assert.equal(peer.pings.length, 1);
  const quiet = (peer.pings[0] ?? 0) - 20_000;
  assert.ok(quiet >= 5_000 && quiet <= 5_000 + BUCKET, `pinged ${quiet} ms after the last frame`);
});

test('what comes after a PING puts its deadline off, as its ACK may be queued behind it, and does not stand in for it', () => {
  const world = createWorld();
  const peer = world.peer({ answers: false });
  world.watch(peer, { intervalMs: 1_000, timeoutMs: 2_000 });
  world.run(1_500);
  for (let n = 0; n < 9; n += 1) {
    peer.receive();
    world.run(1_000);
  }
  assert.equal(peer.closedAt, undefined);
  assert.equal(peer.pings.length, 1);
  world.run(3_000);
  assert.ok(within(peer.closedAt, 9_500 + 2_000), `closed at ${peer.closedAt}`);
});

test('a peer that still takes what is in front of a PING is given its time from then', () => {
  const world = createWorld();
  const peer = world.peer({ answers: false });
  world.watch(peer, { intervalMs: 1_000, timeoutMs: 2_000 });
  peer.target.takenAt = () => Math.min(world.now(), 8_000);
  world.run(9_900);
  assert.equal(peer.closedAt, undefined);
  world.run(3_000);
  assert.ok(within(peer.closedAt, 8_000 + 2_000), `closed at ${peer.closedAt}`);
});

test('new settings hold at once, for a quiet session and for a PING on its way', () => {
  const world = createWorld();
  const quiet = world.peer({ answers: false });
  const pinged = world.peer({ answers: false });
  const quietWatch = world.watch(quiet, { intervalMs: 3_600_000, timeoutMs: 1_000 });
  const pingedWatch = world.watch(pinged, { intervalMs: 1_000, timeoutMs: 3_600_000 });
  world.run(4_000);
  assert.equal(quiet.pings.length, 0);
  assert.equal(pinged.pings.length, 1);
  quietWatch.update({ intervalMs: 2_000, timeoutMs: 1_000 });
  pingedWatch.update({ intervalMs: 1_000, timeoutMs: 2_000 });
  world.run(2_000);
  assert.ok(within(quiet.pings[0], 4_000), `pinged at ${quiet.pings[0]}`);
  assert.ok(within(quiet.closedAt, 5_000), `closed at ${quiet.closedAt}`);
  assert.ok(within(pinged.closedAt, 4_000), `closed at ${pinged.closedAt}`);
});

test('a session that is no longer watched gets no PING and is not closed', () => {
  const world = createWorld();
  const peer = world.peer({ answers: false });
  const watch = world.watch(peer, SETTINGS);
  world.run(6_000);
  watch.stop();
  world.run(60_000);
  assert.equal(peer.pings.length, 1);
  assert.equal(peer.closedAt, undefined);
  assert.equal(world.timers(), 0);
});

test('a destroyed session is never pinged and is forgotten', () => {
  const world = createWorld();
  const peer = world.peer({ answers: false });
  world.watch(peer, SETTINGS);
  peer.destroy();
  world.run(10_000);
  assert.equal(peer.pings.length, 0);
  assert.equal(world.pings.size, 0);
});

test('jitter only ever brings a PING forward, by 15 % at most', () => {
  for (const random of [0, 0.5, 0.999]) {
    const world = createWorld({ jitter: 0.15, random: () => random });
    const peer = world.peer({ answers: true });
    world.watch(peer, SETTINGS);
    world.run(6_000);
    const at = peer.pings[0] ?? 0;
    assert.ok(at >= 4_250 && at <= 5_000 + BUCKET, `pinged at ${at}`);
  }
});

test('after a stall of the process an ACK that waits in the socket is read before a session is judged', () => {
  const world = createWorld();
  const peer = world.peer({ answers: false });
  world.watch(peer, { intervalMs: 1_000, timeoutMs: 2_000 });
  world.run(1_100);
  world.stall(60_000);
  assert.equal(peer.closedAt, undefined);
  peer.acknowledge();
  world.run(500);
  assert.equal(peer.closedAt, undefined);
  world.run(10_000);
  assert.notEqual(peer.closedAt, undefined);
});

test('ten thousand sessions share one timer', () => {
  const world = createWorld({ jitter: 0.15 });
  const peers = Array.from({ length: 10_000 }, () => world.peer({ answers: true }));
  for (const peer of peers) world.watch(peer, SETTINGS);
  assert.equal(world.timers(), 1);
  world.run(11_000);
  assert.ok(peers.every((peer) => peer.pings.length >= 2 && peer.closedAt === undefined));
  world.pings.close();
  assert.equal(world.timers(), 0);
});

function within(at: number | undefined, expected: number): boolean {
  return at !== undefined && at >= expected && at <= expected + 2 * BUCKET;
}

/** A clock turned by hand in steps of 10 ms, and peers whose ACK takes 3 ms. */
function createWorld(options: { jitter?: number; random?: () => number } = {}) {
  let now = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  const clock: Clock = {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const fire = () => {
    for (const timer of [...timers]) {
      if (timer.at > now) continue;
      timers.delete(timer);
      timer.callback();
    }
  };
  const pings = createPingKeepalive({ clock, jitter: 0, ...options });
  return {
    pings,
    now: () => now,
    timers: () => timers.size,
    run(ms: number) {
      const end = now + ms;
      while (now < end) {
        now += 10;
        fire();
      }
    },
    stall(ms: number) {
      now += ms;
      fire();
    },
    peer: ({ answers }: { answers: boolean }) => createPeer(() => now, answers),
    watch(peer: ReturnType<typeof createPeer>, settings: PingSettings) {
      peer.watch = pings.watch(peer.target, settings);
      return peer.watch;
    },
  };
}

function createPeer(now: () => number, answers: boolean) {
  let readAt = now();
  let isOver = false;
  const peer = {
    watch: undefined as PingWatch | undefined,
    pings: [] as number[],
    closedAt: undefined as number | undefined,
    receive: () => {
      readAt = now();
    },
    destroy: () => {
      isOver = true;
    },
    acknowledge() {
      readAt = now();
      peer.watch?.acknowledged(3);
    },
  };
  const target: PingTarget & { takenAt?: () => number } = {
    get isOver() {
      return isOver;
    },
    get lastReadAt() {
      return readAt;
    },
    ping() {
      peer.pings.push(now());
      if (answers) peer.acknowledge();
    },
    onPingTimeout: () => {
      peer.closedAt = now();
    },
  };
  return Object.assign(peer, { target });
}
