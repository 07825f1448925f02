import { type Clock, systemClock } from './clock.ts';
import { TimingWheel, type WheelItem } from './timing-wheel.ts';

/** `intervalMs`: quiet time before a PING. `timeoutMs`: how long its ACK may take, from what was read last if that is later. */
export type PingSettings = { readonly intervalMs: number; readonly timeoutMs: number };

/** One HTTP/2 session to keep alive. */
export type PingTarget = {
  /** It has ended. */
  readonly isOver: boolean;
  /** When bytes were last read from it, as the clock counts. */
  readonly lastReadAt: number;
  /** When it took something last of what waits in front of a PING, as the clock counts. Asked when time is up. */
  takenAt?(): number;
  /** Sends a PING; its ACK, and no other, has to reach the watch. */
  ping(): void;
  /** Neither an ACK nor anything else in time. Called once; the session is no longer watched. */
  onPingTimeout(): void;
};

/** A session under watch. */
export type PingWatch = {
  /** New settings hold at once, also for a PING that is on its way. */
  update(settings: PingSettings): void;
  /** The ACK of the last PING came in so many milliseconds. */
  acknowledged(rttMs: number): void;
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
/** 51 seconds: most PINGs and their deadlines are put in once. */
const BUCKETS = 1_024;
/** A turn that comes this late means that the process stood still, and ACKs may wait unread in the sockets. */
const STALL_MS = 4 * TICK_MS;

/**
 * PING keepalive for any number of HTTP/2 sessions with one timer. A session is looked at when its PING would be due;
 * if something was read meanwhile, it is put off. Without sessions no timer runs.
 */
export function createPingKeepalive(options: PingKeepaliveOptions = {}): PingKeepalive {
  return new Pings(options);
}

class Pings implements PingKeepalive {
  readonly clock: Clock;
  readonly wheel: TimingWheel<Watch>;
  readonly #random: () => number;
  readonly #jitter: number;
  readonly #watches = new Set<Watch>();
  #cancelTimer: (() => void) | undefined;
  #expectedAt = 0;

  constructor({ clock = systemClock, random = Math.random, jitter = 0.15 }: PingKeepaliveOptions) {
    this.clock = clock;
    this.wheel = new TimingWheel(TICK_MS, BUCKETS, clock.now());
    this.#random = random;
    this.#jitter = Math.min(Math.max(jitter, 0), 0.15);
  }

  get size(): number {
    return this.#watches.size;
  }

  watch(target: PingTarget, settings: PingSettings): PingWatch {
    const now = this.clock.now();
    // It stood still while nobody was watched.
    if (this.size === 0) this.wheel.turn(now, () => undefined);
    const watch = new Watch(this, target, settings, now);
    this.#watches.add(watch);
    this.#schedule();
    return watch;
  }

  forget(watch: Watch): void {
    this.wheel.take(watch);
    this.#watches.delete(watch);
  }

  /** The share of its interval after which a PING is sent, 0.85 to 1. */
  nextShare(): number {
    return 1 - this.#jitter * this.#random();
  }

  close(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const watch of this.#watches) this.forget(watch);
  }

  #schedule(): void {
    if (this.#cancelTimer !== undefined || this.size === 0) return;
    this.#expectedAt = this.clock.now() + TICK_MS;
    this.#cancelTimer = this.clock.after(TICK_MS, () => this.#turn());
  }

  #turn(): void {
    this.#cancelTimer = undefined;
    const now = this.clock.now();
    const isStalled = now - this.#expectedAt > STALL_MS;
    this.wheel.turn(now, (watch) => watch.look(now, isStalled));
    this.#schedule();
  }
}

/** Its own place in the wheel, and numbers that are written where they stand: a worker holds many that are silent. */
class Watch implements PingWatch, WheelItem<Watch> {
  bucket: WheelItem<Watch>['bucket'];
  previous: Watch | undefined;
  next: Watch | undefined;
  readonly #pings: Pings;
  readonly #target: PingTarget;
  readonly #watchedSince: number;
  #intervalMs: number;
  #timeoutMs: number;
  #share: number;
  /** When the PING was sent that waits for its ACK; NaN while none does. */
  #sentAt = Number.NaN;
  /** The deadline was put off once because the process stood still. */
  #isGraced = false;
  /** NaN before the first. */
  #rttMs = Number.NaN;
  #pingsSent = 0;

  constructor(pings: Pings, target: PingTarget, { intervalMs, timeoutMs }: PingSettings, now: number) {
    this.#pings = pings;
    this.#target = target;
    this.#watchedSince = now;
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
    this.#share = pings.nextShare();
    this.#place(this.#pingAt);
  }

  get lastRttMs(): number | undefined {
    return Number.isNaN(this.#rttMs) ? undefined : this.#rttMs;
  }

  get pingsSent(): number {
    return this.#pingsSent;
  }

  update({ intervalMs, timeoutMs }: PingSettings): void {
    if (!this.#isWatched) return;
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
    this.#place(this.#pings.clock.now());
  }

  acknowledged(rttMs: number): void {
    if (!this.#isPinged || !this.#isWatched) return;
    this.#sentAt = Number.NaN;
    this.#rttMs = rttMs;
    this.#share = this.#pings.nextShare();
    this.#place(this.#pingAt);
  }

  stop(): void {
    this.#pings.forget(this);
  }

  /** What is due: nothing, a PING, or the end. */
  look(now: number, isStalled: boolean): void {
    if (this.#target.isOver) this.stop();
    else if (this.#isPinged) this.#lookForAck(now, isStalled);
    else if (now < this.#pingAt) this.#place(this.#pingAt);
    else this.#ping(now);
  }

  #lookForAck(now: number, isStalled: boolean): void {
    // An ACK is queued behind what its peer is sending, such as a long upload: while that comes, the peer is there.
    const deadline = Math.max(this.#sentAt, this.#target.lastReadAt) + this.#timeoutMs;
    if (now < deadline) {
      this.#place(deadline);
      return;
    }
    // The PING too is behind what waits, such as a download: while that is taken, the peer is there.
    const taken = (this.#target.takenAt?.() ?? 0) + this.#timeoutMs;
    if (now < taken) {
      this.#place(taken);
    } else if (isStalled && !this.#isGraced) {
      this.#isGraced = true;
      this.#place(now + 2 * TICK_MS);
    } else {
      this.stop();
      this.#target.onPingTimeout();
    }
  }

  #ping(now: number): void {
    this.#sentAt = now;
    this.#isGraced = false;
    this.#pingsSent += 1;
    this.#place(now + this.#timeoutMs);
    this.#target.ping();
  }

  get #isPinged(): boolean {
    return !Number.isNaN(this.#sentAt);
  }

  get #isWatched(): boolean {
    return this.bucket !== undefined;
  }

  get #pingAt(): number {
    return Math.max(this.#target.lastReadAt, this.#watchedSince) + this.#intervalMs * this.#share;
  }

  #place(atMs: number): void {
    this.#pings.wheel.put(this, atMs);
  }
}
