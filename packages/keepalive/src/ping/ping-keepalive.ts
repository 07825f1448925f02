import { type Clock, systemClock } from './clock.ts';
import { TimingWheel, type WheelSlot } from './timing-wheel.ts';

/** `intervalMs`: quiet time before a PING. `timeoutMs`: how long its ACK may take. */
export type PingSettings = { readonly intervalMs: number; readonly timeoutMs: number };

/** The part of a node:http2 session that is used. */
export type PingSession = {
  readonly destroyed: boolean;
  ping(callback: (error: Error | null, durationMs: number, payload: Buffer) => void): boolean;
};

/** One session to keep alive. */
export type PingTarget = {
  readonly session: PingSession;
  /** Bytes read from the socket beneath so far: a change means that a frame came. */
  bytesRead(): number;
  /** No ACK in time. Called once; the session is no longer watched. */
  onTimeout(): void;
  onPing?(): void;
  onAck?(rttMs: number): void;
};

/** A session under watch. */
export type PingWatch = {
  /** New settings hold at once, also for a PING that is on its way. */
  update(settings: PingSettings): void;
  stop(): void;
  readonly lastRttMs: number | undefined;
  readonly pingsSent: number;
};

export type PingKeepalive = {
  watch(target: PingTarget, settings: PingSettings): PingWatch;
  /** Sessions under watch. */
  readonly size: number;
  close(): void;
};

export type PingKeepaliveOptions = {
  readonly clock?: Clock;
  /** Share of the interval, 0 to 0.15, by which a PING may come earlier, so that a fleet does not ping in step. */
  readonly jitter?: number;
  readonly random?: () => number;
};

const TICK_MS = 50;
const BUCKETS = 64;
const LONGEST_SAMPLE_MS = 500;
const SAMPLES_PER_INTERVAL = 10;
/** A turn that comes this late means that the process stood still, and ACKs may wait unread in the sockets. */
const STALL_MS = 4 * TICK_MS;

type Phase =
  | { readonly kind: 'quiet' }
  /** `graced`: its deadline was put off once because the process stood still. */
  | { readonly kind: 'pinged'; readonly sentAt: number; graced: boolean };

type Entry = {
  readonly target: PingTarget;
  settings: PingSettings;
  /** This round's share of the interval, 0.85 to 1. */
  share: number;
  phase: Phase;
  quietSince: number;
  sampledAt: number;
  sampledBytes: number;
  slot: WheelSlot<Entry> | undefined;
  lastRttMs: number | undefined;
  pingsSent: number;
};

/**
 * PING keepalive for any number of HTTP/2 sessions with one timer. Whether a session is quiet is seen by sampling its
 * socket's byte count at a tenth of the interval (50 to 500 ms); a frame counts as read at the start of its sample, so
 * a PING is at most one sample early and never late. Without sessions no timer runs.
 */
export function createPingKeepalive(options: PingKeepaliveOptions = {}): PingKeepalive {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const jitter = Math.min(Math.max(options.jitter ?? 0.15, 0), 0.15);
  const wheel = new TimingWheel<Entry>(TICK_MS, BUCKETS, clock.now());
  const entries = new Set<Entry>();
  let cancelTimer: (() => void) | undefined;
  let expectedAt = 0;

  const schedule = () => {
    if (cancelTimer !== undefined || entries.size === 0) return;
    expectedAt = clock.now() + TICK_MS;
    cancelTimer = clock.after(TICK_MS, turn);
  };

  const turn = () => {
    cancelTimer = undefined;
    const now = clock.now();
    const stalled = now - expectedAt > STALL_MS;
    for (const entry of wheel.turn(now)) {
      entry.slot = undefined;
      judge(entry, now, stalled);
    }
    schedule();
  };

  const judge = (entry: Entry, now: number, stalled: boolean) => {
    if (entry.target.session.destroyed) return forget(entry);
    sample(entry, now);
    if (entry.phase.kind === 'pinged') {
      const deadline = entry.phase.sentAt + entry.settings.timeoutMs;
      if (now < deadline) return place(entry, deadline);
      if (stalled && !entry.phase.graced) {
        entry.phase.graced = true;
        return place(entry, now + 2 * TICK_MS);
      }
      forget(entry);
      return entry.target.onTimeout();
    }
    if (now >= pingAt(entry)) ping(entry, now);
    else placeQuiet(entry, now);
  };

  const sample = (entry: Entry, now: number) => {
    const bytes = entry.target.bytesRead();
    if (bytes !== entry.sampledBytes) {
      entry.quietSince = Math.max(entry.quietSince, entry.sampledAt);
      entry.sampledBytes = bytes;
    }
    entry.sampledAt = now;
  };

  const ping = (entry: Entry, now: number) => {
    const phase: Phase = { kind: 'pinged', sentAt: now, graced: false };
    entry.phase = phase;
    const sent = entry.target.session.ping((error, rttMs) => {
      if (error !== null || entry.phase !== phase || !entries.has(entry)) return;
      acknowledged(entry, rttMs);
    });
    if (!sent) {
      // Too many PINGs of others are outstanding; their ACKs count as frames, so look again soon.
      entry.phase = { kind: 'quiet' };
      return place(entry, now + TICK_MS);
    }
    entry.pingsSent += 1;
    entry.target.onPing?.();
    place(entry, now + entry.settings.timeoutMs);
  };

  const acknowledged = (entry: Entry, rttMs: number) => {
    const now = clock.now();
    entry.lastRttMs = rttMs;
    entry.phase = { kind: 'quiet' };
    entry.quietSince = now;
    entry.sampledAt = now;
    entry.sampledBytes = entry.target.bytesRead();
    entry.share = 1 - jitter * random();
    placeQuiet(entry, now);
    entry.target.onAck?.(rttMs);
  };

  const pingAt = (entry: Entry) => entry.quietSince + entry.settings.intervalMs * entry.share;

  const placeQuiet = (entry: Entry, now: number) => {
    const sampleMs = Math.min(LONGEST_SAMPLE_MS, entry.settings.intervalMs / SAMPLES_PER_INTERVAL);
    place(entry, Math.min(pingAt(entry), now + sampleMs));
  };

  const place = (entry: Entry, atMs: number) => {
    if (entry.slot !== undefined) wheel.take(entry, entry.slot);
    entry.slot = wheel.put(entry, atMs);
  };

  const forget = (entry: Entry) => {
    if (entry.slot !== undefined) wheel.take(entry, entry.slot);
    entry.slot = undefined;
    entries.delete(entry);
  };

  return {
    watch(target, settings) {
      const now = clock.now();
      if (entries.size === 0) wheel.turn(now);
      const entry: Entry = {
        target,
        settings,
        share: 1 - jitter * random(),
        phase: { kind: 'quiet' },
        quietSince: now,
        sampledAt: now,
        sampledBytes: target.bytesRead(),
        slot: undefined,
        lastRttMs: undefined,
        pingsSent: 0,
      };
      entries.add(entry);
      placeQuiet(entry, now);
      schedule();
      return {
        update(next) {
          if (!entries.has(entry)) return;
          entry.settings = next;
          place(entry, clock.now());
        },
        stop: () => forget(entry),
        get lastRttMs() {
          return entry.lastRttMs;
        },
        get pingsSent() {
          return entry.pingsSent;
        },
      };
    },
    get size() {
      return entries.size;
    },
    close() {
      cancelTimer?.();
      cancelTimer = undefined;
      for (const entry of [...entries]) forget(entry);
    },
  };
}
