import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Append, AppendResult } from '../event-log.ts';
import { StorageFault } from '../storage-fault.ts';
import type { Folded } from './fold.ts';
import { ENVELOPE_BYTES, encodeCommand, encodeMessage } from './message.ts';
import { readPubAck } from './pub-ack.ts';

/** Commands, and their bytes, that may wait; one more is refused. */
const CAPACITY = 10_000;
const CAPACITY_BYTES = 64 * 1024 * 1024;
/** Where a message is full: commands above it go into the next. One larger command has a message of its own. */
const FULL_BYTES = 512 * 1024;
const FULL_COMMANDS = 1000;
/** Messages on the way at once; fewer than the fold's window of retries. More of them are smaller, and cost more fsyncs. */
const MAX_IN_FLIGHT = 8;
/** How long a command waits for the stream before it is refused, unpublished. */
const WAITS_MS = 3000;
/** How long the fold of a published message is waited for, and after which silence it is published again. */
const DEADLINE_MS = 10_000;
const AGAIN_AFTER_MS = 2000;
const TICK_MS = 100;

type Waiting = {
  readonly text: string;
  readonly bytes: number;
  readonly since: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
};

type Flight = {
  readonly number: number;
  readonly data: Uint8Array;
  readonly commands: readonly Waiting[];
  readonly since: number;
  sentAt: number;
  /** Tries, and how many of them the server has refused: when it refused all, nothing was stored. */
  tries: number;
  refusals: number;
  refusal: string;
};

/** Whether the stream takes commands. A fault refuses them at once; a pause lets them wait a little. */
type State =
  | { readonly kind: 'live' }
  | { readonly kind: 'paused'; readonly since: number; readonly why: string }
  | { readonly kind: 'faulty'; readonly fault: StorageFault }
  | { readonly kind: 'closed' };

/** Packs the commands of a turn into messages, publishes them, and answers each when its message was folded. */
export class Publisher {
  readonly #nc: NatsConnection;
  readonly #subject: string;
  readonly #writer: string;
  readonly #inbox = createInbox();
  readonly #tick: NodeJS.Timeout;
  readonly #flights = new Map<number, Flight>();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #number = 0;
  #scheduled = false;
  #closing = false;
  #state: State = { kind: 'paused', since: Date.now(), why: 'it is being opened' };

  /** `writer` is unique to this run: numbers begin anew with it. */
  constructor(nc: NatsConnection, subject: string, writer: string) {
    this.#nc = nc;
    this.#subject = subject;
    this.#writer = writer;
    nc.subscribe(`${this.#inbox}.*`, { callback: (_, message) => this.#acknowledged(message) });
    this.#tick = setInterval(() => this.#expire(), TICK_MS);
  }

  async append(append: Append): Promise<AppendResult> {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
    const text = encodeCommand(append);
    const bytes = Buffer.byteLength(text);
    const largest = this.#nc.info?.max_payload;
    if (largest !== undefined && bytes + ENVELOPE_BYTES > largest) {
      const why = `the command has ${bytes} bytes, and the NATS server takes ${largest} (max_payload)`;
      throw new StorageFault('unavailable', why);
    }
    if (this.#waiting.length >= CAPACITY || this.#waitingBytes + bytes > CAPACITY_BYTES) {
      throw new StorageFault('unavailable', `${this.#waiting.length} commands wait already`);
    }
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ text, bytes, since: Date.now(), resolve, reject });
      this.#waitingBytes += bytes;
      this.#schedule();
    });
  }

  /** The follower has caught up: what is still on the way was not stored, as far as anybody knows. */
  resume(): void {
    if (this.#state.kind === 'closed') return;
    const before = this.#state.kind;
    this.#state = { kind: 'live' };
    if (before !== 'live') for (const flight of this.#flights.values()) this.#publish(flight);
    this.#schedule();
  }

  pause(why: string): void {
    if (this.#state.kind === 'live') this.#state = { kind: 'paused', since: Date.now(), why };
  }

  /** What waits is refused with the fault; what is on the way has an unknown outcome. */
  fail(fault: StorageFault): void {
    if (this.#state.kind === 'closed') return;
    this.#state = { kind: 'faulty', fault };
    for (const flight of this.#flights.values()) this.#reject(flight, unknownOutcome(fault.kind, fault.message));
    this.#refuseWaiting(fault);
  }

  /** Answers the callers of an own message. */
  settle({ writer, number, outcomes }: Folded): void {
    const flight = writer === this.#writer ? this.#flights.get(number) : undefined;
    if (flight === undefined) return;
    this.#flights.delete(number);
    for (const [index, { resolve, reject }] of flight.commands.entries()) {
      const outcome = outcomes[index];
      if (outcome?.kind === 'answered') resolve(outcome.result);
      else reject(outcome?.error);
    }
    this.#schedule();
  }

  /** Refuses new commands; resolves when those underway are answered. */
  async close(): Promise<void> {
    this.#closing = true;
    while (this.#state.kind === 'live' && this.#flights.size + this.#waiting.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    clearInterval(this.#tick);
    this.fail(new StorageFault('unavailable', 'the event log was closed'));
    this.#state = { kind: 'closed' };
  }

  #refusal(): StorageFault | undefined {
    const state = this.#state;
    if (this.#closing) return new StorageFault('unavailable', 'the event log is closed');
    if (state.kind === 'faulty') return state.fault;
    return state.kind === 'paused' && Date.now() - state.since > WAITS_MS ? away(state.why) : undefined;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#state.kind === 'live' && this.#waiting.length > 0 && this.#flights.size < MAX_IN_FLIGHT) {
      const commands = this.#takeMessage();
      this.#number += 1;
      const data = encodeMessage(
        this.#writer,
        this.#number,
        commands.map(({ text }) => text),
      );
      const now = Date.now();
      const counts = { tries: 0, refusals: 0, refusal: '' };
      const flight: Flight = { number: this.#number, data, commands, since: now, sentAt: now, ...counts };
      this.#flights.set(flight.number, flight);
      this.#publish(flight);
    }
  }

  #takeMessage(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && (count >= FULL_COMMANDS || bytes + waiting.bytes > FULL_BYTES)) break;
      bytes += waiting.bytes + 1;
      count += 1;
    }
    this.#waitingBytes -= bytes - count;
    return this.#waiting.splice(0, count);
  }

  #publish(flight: Flight): void {
    flight.sentAt = Date.now();
    flight.tries += 1;
    try {
      this.#nc.publish(this.#subject, flight.data, { reply: `${this.#inbox}.${flight.number}` });
    } catch (error) {
      flight.refusals += 1;
      flight.refusal = error instanceof Error ? error.message : String(error);
    }
  }

  /** An acknowledgement answers nobody: the fold does. A refusal is tried again until the deadline, if that can help. */
  #acknowledged(message: Msg): void {
    const flight = this.#flights.get(Number(message.subject.slice(this.#inbox.length + 1)));
    const ack = readPubAck(message);
    if (flight === undefined || ack.kind === 'stored') return;
    flight.refusals += 1;
    flight.refusal = ack.why;
    if (ack.kind === 'full' && flight.refusals >= flight.tries) {
      this.#reject(flight, new StorageFault('full', `the stream refuses more: ${ack.why}`));
    }
  }

  #expire(): void {
    const now = Date.now();
    for (const flight of this.#flights.values()) {
      const refused = flight.refusals >= flight.tries;
      if (now - flight.since > (refused ? WAITS_MS : DEADLINE_MS)) {
        const why = `the stream does not store commands: ${flight.refusal}`;
        this.#reject(flight, refused ? new StorageFault('unavailable', why) : unknownOutcome('unavailable', tooLate()));
      } else if (this.#state.kind === 'live' && (refused || now - flight.sentAt > AGAIN_AFTER_MS)) {
        this.#publish(flight);
      }
    }
    const why = this.#state.kind === 'paused' ? this.#state.why : 'too many commands are on the way';
    while (this.#waiting[0] !== undefined && now - this.#waiting[0].since > WAITS_MS) {
      const [late] = this.#waiting.splice(0, 1);
      this.#waitingBytes -= late?.bytes ?? 0;
      late?.reject(away(why));
    }
  }

  #reject(flight: Flight, error: StorageFault): void {
    this.#flights.delete(flight.number);
    for (const { reject } of flight.commands) reject(error);
    this.#schedule();
  }

  #refuseWaiting(fault: StorageFault): void {
    const refused = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { reject } of refused) reject(fault);
  }
}

function away(why: string): StorageFault {
  return new StorageFault('unavailable', `the event log takes no commands now: ${why}`);
}

function tooLate(): string {
  return `the stream gave no answer within ${DEADLINE_MS / 1000} s`;
}

function unknownOutcome(kind: StorageFault['kind'], why: string): StorageFault {
  return new StorageFault(kind, `${why}; whether the command was appended shows when it answers`, undefined, 'unknown');
}
