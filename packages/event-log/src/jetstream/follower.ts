import type { JetStreamManager } from '@nats-io/jetstream';
import { createInbox, type Msg, type NatsConnection, nanos, type Subscription } from '@nats-io/transport-node';
import { StorageFault } from '../storage-fault.ts';
import type { Delivered } from './fold.ts';

/** A consumer that says nothing for this long, not even its heartbeat, is created again. */
const SILENCE_MS = 1200;
const HEARTBEAT_MS = 500;
const WATCH_MS = 200;
const RETRY_MS = 250;
const RETRY_FAULT_MS = 1000;
/** What one transaction folds, and what may wait for it (the server's flow control keeps it below). */
const BATCH_MESSAGES = 256;
const BATCH_BYTES = 4 * 1024 * 1024;
const QUEUE_BYTES = 64 * 1024 * 1024;

export type FollowerOptions = {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  /** Checks the stream and gives its last sequence. A StorageFault is told; anything else is tried again in silence. */
  readonly check: () => Promise<number>;
  /** The last message that was folded. */
  readonly folded: () => number;
  /** Folds; a StorageFault has it delivered again. */
  readonly fold: (batch: readonly Delivered[]) => void;
  /** All that the stream held when it was last checked is folded. */
  readonly onLive: () => void;
  readonly onPause: (why: string) => void;
  readonly onFault: (fault: StorageFault) => void;
};

/** A message, or the server's question whether what came before it has been taken. */
type Item = Delivered | { readonly confirm: string };

/**
 * Follows the stream by an ephemeral push consumer, and trusts it no further than its sequence numbers: on a gap, a
 * reconnect or silence it is created again behind the last folded message. Nothing else was without gaps and stalls
 * when servers died.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #watch: NodeJS.Timeout;
  #subscription: Subscription | undefined;
  #starting = false;
  #again = false;
  #closed = false;
  #live = false;
  #queue: Item[] = [];
  #queueBytes = 0;
  #draining = false;
  #first = 1;
  #next = 1;
  #target = 0;
  #heardAt = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#watch = setInterval(() => this.#watchSilence(), WATCH_MS);
  }

  /** Starts, or starts anew, behind the last folded message; after a fault not at once. */
  restart(why: string, fault?: StorageFault): void {
    this.#stop();
    if (this.#closed) return;
    this.#live = false;
    this.#options.onPause(why);
    if (fault !== undefined) this.#options.onFault(fault);
    if (this.#starting) this.#again = true;
    else void this.#start(fault === undefined ? 0 : RETRY_FAULT_MS);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#watch);
    this.#stop();
  }

  async #start(afterMs: number): Promise<void> {
    this.#starting = true;
    if (afterMs > 0) await sleep(afterMs);
    while (!this.#closed) {
      this.#again = false;
      try {
        this.#target = await this.#options.check();
        if (!this.#again && !this.#closed) await this.#subscribe();
        if (!this.#again) break;
      } catch (error) {
        this.#stop();
        if (error instanceof StorageFault && !this.#closed) this.#options.onFault(error);
        await sleep(error instanceof StorageFault ? RETRY_FAULT_MS : RETRY_MS);
      }
    }
    this.#starting = false;
    this.#reportLive();
  }

  async #subscribe(): Promise<void> {
    const { nc, jsm, stream, folded } = this.#options;
    this.#first = folded() + 1;
    this.#next = this.#first;
    this.#heardAt = Date.now();
    const inbox = createInbox();
    const subscription = nc.subscribe(inbox, {
      callback: (error, message) => {
        if (this.#subscription !== subscription) return;
        if (error !== null) this.restart(error.message);
        else this.#heard(message);
      },
    });
    this.#subscription = subscription;
    await jsm.consumers.add(stream, {
      deliver_subject: inbox,
      ack_policy: 'none',
      deliver_policy: 'by_start_sequence',
      opt_start_seq: this.#first,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      inactive_threshold: nanos(10_000),
      mem_storage: true,
      num_replicas: 1,
      max_deliver: 1,
    });
    this.#heardAt = Date.now();
  }

  #stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#queue = [];
    this.#queueBytes = 0;
  }

  #heard(message: Msg): void {
    this.#heardAt = Date.now();
    const seq = sequenceOf(message);
    if (seq === undefined) this.#heardStatus(message);
    else if (seq !== this.#next) this.#gap(seq);
    else if (this.#queueBytes > QUEUE_BYTES) this.restart('more messages came than could wait');
    else {
      this.#next = seq + 1;
      this.#queueBytes += message.data.length;
      this.#enqueue({ seq, data: message.data });
    }
  }

  /** A heartbeat, a question of the flow control, or the end of the consumer. */
  #heardStatus({ headers, reply }: Msg): void {
    if (headers?.code !== 100) {
      this.restart(`the consumer ended: ${headers?.description ?? 'without a reason'}`);
      return;
    }
    const last = Number(headers.get('Nats-Last-Stream') || Number.NaN);
    const stalled = headers.get('Nats-Consumer-Stalled');
    if (last >= this.#next) this.#gap(last + 1);
    else if (reply) this.#enqueue({ confirm: reply });
    else if (stalled !== '') this.#enqueue({ confirm: stalled });
  }

  /** Messages lost on the way are delivered again; when the first one is not there, the stream itself has lost it. */
  #gap(seq: number): void {
    const lost = this.#next === this.#first && seq > this.#next;
    const why = `the stream ${this.#options.stream} has lost its message ${this.#first}`;
    this.restart(
      `message ${seq} came where ${this.#next} was due`,
      lost ? new StorageFault('unavailable', why) : undefined,
    );
  }

  #enqueue(item: Item): void {
    this.#queue.push(item);
    this.#scheduleDrain();
  }

  #scheduleDrain(): void {
    if (this.#draining) return;
    this.#draining = true;
    setImmediate(() => {
      this.#draining = false;
      this.#drain();
    });
  }

  /** Messages that wait in one turn share a transaction; a question is answered when all before it are folded. */
  #drain(): void {
    const batch: Delivered[] = [];
    let bytes = 0;
    let taken = 0;
    for (const item of this.#queue) {
      if ('confirm' in item || batch.length >= BATCH_MESSAGES || bytes > BATCH_BYTES) break;
      batch.push(item);
      bytes += item.data.length;
      taken += 1;
    }
    this.#queue.splice(0, taken);
    this.#queueBytes -= bytes;
    if (batch.length > 0 && !this.#fold(batch)) return;
    const [next] = this.#queue;
    if (next !== undefined && 'confirm' in next) {
      this.#queue.shift();
      this.#options.nc.publish(next.confirm);
    }
    if (this.#queue.length > 0) this.#scheduleDrain();
    this.#reportLive();
  }

  #fold(batch: readonly Delivered[]): boolean {
    try {
      this.#options.fold(batch);
      return true;
    } catch (error) {
      if (!(error instanceof StorageFault)) throw error;
      this.restart(error.message, error);
      return false;
    }
  }

  #reportLive(): void {
    if (this.#live || this.#starting || this.#closed || this.#subscription === undefined) return;
    if (this.#options.folded() < this.#target) return;
    this.#live = true;
    this.#options.onLive();
  }

  /** What has come while this thread was busy is heard first. */
  #watchSilence(): void {
    if (!this.#isSilent()) return;
    setImmediate(() => {
      if (this.#isSilent()) this.restart('the consumer is silent');
    });
  }

  #isSilent(): boolean {
    return !this.#starting && this.#subscription !== undefined && Date.now() - this.#heardAt > SILENCE_MS;
  }
}

/** The sequence in the stream, which JetStream puts into the reply subject; undefined when it is no message of it. */
function sequenceOf({ reply }: Msg): number | undefined {
  if (!reply?.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  // $JS.ACK.STREAM.CONSUMER.DELIVERIES.SEQ..., or with domain and account before the stream.
  const seq = Number(tokens.length === 9 ? tokens[5] : tokens[7]);
  return Number.isSafeInteger(seq) ? seq : undefined;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
