import { type Clock, systemClock } from './clock.ts';
import { TimingWheel, type WheelSlot } from './timing-wheel.ts';

/** `intervalMs`: quiet time before a PING. `timeoutMs`: how long its ACK may take. */
export type PingSettings = { readonly intervalMs: number; readonly timeoutMs: number };

/** One HTTP/2 session to keep alive. */
export type PingTarget = {
  /** It has ended. */
  readonly isOver: boolean;
  /** When bytes were last read from it, as the clock counts. */
  readonly lastReadAt: number;
  /**
   * Sends a PING.
   *
   * @param onAck hears in how many milliseconds it was acknowledged
   * @returns false when too many are on their way
   */
  ping(onAck: (rttMs: number) => void): boolean;
  /** No ACK in time. Called once; the session is no longer watched. */
  onPingTimeout(): void;
  onPing?(): void;
  onPingAck?(rttMs: number): void;
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
/** A turn that comes this late means that the process stood still, and ACKs may wait unread in the sockets. */
const STALL_MS = 4 * TICK_MS;

type Phase =
  | { readonly kind: 'quiet' }
  /** `graced`: its deadline was put off once because the process stood still. */
  | { readonly kind: 'pinged'; readonly sentAt: number; graced: boolean };

const QUIET: Phase = { kind: 'quiet' };

type Entry = {
  readonly target: PingTarget;
  settings: PingSettings;
  /** This round's share of the interval, 0.85 to 1. */
  share: number;
  phase: Phase;
  readonly watchedSince: number;
  readonly onAck: (rttMs: number) => void;
  slot: WheelSlot<Entry> | undefined;
  lastRttMs: number | undefined;
  pingsSent: number;
};

/**
 * PING keepalive for any number of HTTP/2 sessions with one timer. A session is looked at when its PING would be due;
 * if something was read meanwhile, it is put off. Without sessions no timer runs.
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
    if (entry.target.isOver) return forget(entry);
    if (entry.phase.kind === 'pinged') {
      const deadline = entry.phase.sentAt + entry.settings.timeoutMs;
      if (now < deadline) return place(entry, deadline);
      if (stalled && !entry.phase.graced) {
        entry.phase.graced = true;
        return place(entry, now + 2 * TICK_MS);
      }
      forget(entry);
      return entry.target.onPingTimeout();
    }
    if (now >= pingAt(entry)) ping(entry, now);
    else place(entry, pingAt(entry));
  };

  const ping = (entry: Entry, now: number) => {
    entry.phase = { kind: 'pinged', sentAt: now, graced: false };
    place(entry, now + entry.settings.timeoutMs);
    if (entry.target.ping(entry.onAck)) {
      entry.pingsSent += 1;
      entry.target.onPing?.();
    } else {
      // Too many PINGs of others are outstanding, so look again soon.
      entry.phase = QUIET;
      place(entry, now + TICK_MS);
    }
  };

  const acknowledged = (entry: Entry, rttMs: number) => {
    if (entry.phase.kind !== 'pinged' || !entries.has(entry)) return;
    entry.lastRttMs = rttMs;
    entry.phase = QUIET;
    entry.share = 1 - jitter * random();
    place(entry, pingAt(entry));
    entry.target.onPingAck?.(rttMs);
  };

  const pingAt = ({ target, watchedSince, settings, share }: Entry) =>
    Math.max(target.lastReadAt, watchedSince) + settings.intervalMs * share;

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
        phase: QUIET,
        watchedSince: now,
        onAck: (rttMs) => acknowledged(entry, rttMs),
        slot: undefined,
        lastRttMs: undefined,
        pingsSent: 0,
      };
      entries.add(entry);
      place(entry, pingAt(entry));
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
