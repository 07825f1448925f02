import { randomUUID } from 'node:crypto';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Append, AppendResult, EventLog } from '../event-log.ts';
import { startCheckpointer } from '../sqlite/checkpointer.ts';
import { openDatabase } from '../sqlite/database.ts';
import { lockFile } from '../sqlite/file-lock.ts';
import { SqliteStore } from '../sqlite/sqlite-store.ts';
import { StoreBackedEventLog } from '../sqlite/store-backed-event-log.ts';
import { StorageFault } from '../storage-fault.ts';
import { brokerWeaknesses } from './broker-check.ts';
import { connectToNats, watchConnection } from './connection.ts';
import { Fold, type Folded } from './fold.ts';
import { Follower } from './follower.ts';
import { type Position, PositionTable } from './position-table.ts';
import { Publisher } from './publisher.ts';
import { checkIdentity, findStream, type StreamOptions, streamWeaknesses } from './stream-check.ts';

export type JetStreamOptions = {
  /** `nats://user:password@host:port`; several servers are separated by commas. Never shown. */
  readonly url: string;
  /** The own SQLite file, which the stream is folded into. */
  readonly file: string;
  readonly stream?: string;
  readonly subject?: string;
  /** How many servers must hold the stream. */
  readonly replicas?: number;
  /** Where the account imports $SYS.REQ.SERVER.PING.JSZ, to ask servers for their settings. */
  readonly serversSubject?: string;
  /** Take a stream that may lose what it acknowledged. */
  readonly allowWeakStream?: boolean;
  /** How long opening may go on without progress. */
  readonly opensWithinMs?: number;
  /** Hears, in one sentence, why the log stopped to take commands, and that it takes them again. */
  readonly notice?: (sentence: string) => void;
};

/** See index.ts, which is how others come here. */
export async function openJetStreamEventLog(options: JetStreamOptions): Promise<EventLog> {
  const unlock = lockFile(options.file);
  const undo: (() => void | Promise<void>)[] = [unlock];
  try {
    const store = new SqliteStore(openDatabase(options.file));
    undo.unshift(() => {
      store.db.close();
    });
    undo.unshift(startCheckpointer(store.db));
    const within = options.opensWithinMs ?? 15_000;
    const nc = await connectToNats(options.url, Date.now() + within);
    undo.unshift(() => nc.close());
    const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 1000 });
    const log = new JetStreamEventLog({ options, store, nc, jsm, undo });
    await log.catchUp(within);
    return log;
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
}

type Parts = {
  readonly options: JetStreamOptions;
  readonly store: SqliteStore;
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  /** What is to be closed at the end, in this order. */
  readonly undo: (() => void | Promise<void>)[];
};

class JetStreamEventLog extends StoreBackedEventLog {
  readonly #parts: Parts;
  readonly #stream: StreamOptions;
  readonly #table: PositionTable;
  readonly #publisher: Publisher;
  readonly #follower: Follower;
  #fold: Fold | undefined;
  #brokerChecked = false;
  #closing: Promise<void> | undefined;
  #trouble: StorageFault | undefined;
  #whenLive: (() => void) | undefined;
  #whenFaulty: ((fault: StorageFault) => void) | undefined;

  constructor(parts: Parts) {
    super(parts.store);
    this.#parts = parts;
    const { nc, jsm, options } = parts;
    const { stream = 'PULSEPLANE', subject = 'pulseplane.log', replicas = 1 } = options;
    this.#stream = { stream, subject, replicas };
    this.#table = new PositionTable(parts.store.db);
    this.#publisher = new Publisher(nc, subject, randomUUID());
    this.#follower = new Follower({
      nc,
      jsm,
      stream,
      check: () => this.#check(),
      folded: () => this.#fold?.position().seq ?? 0,
      fold: (batch) => this.#fold?.fold(batch),
      onLive: () => this.#live(),
      onPause: (why) => this.#publisher.pause(why),
      onFault: (fault) => this.#faulty(fault),
    });
    parts.undo.unshift(() => this.#publisher.close());
    parts.undo.unshift(() => this.#follower.close());
    void watchConnection(nc, {
      onLost: () => {
        this.#brokerChecked = false;
        this.#publisher.pause('NATS cannot be reached');
      },
      onReconnect: () => this.#follower.restart('the connection to NATS was lost'),
    });
  }

  append(append: Append): Promise<AppendResult> {
    return this.#publisher.append(append);
  }

  /** Resolves when all that the stream holds is folded; rejects when it is refused or nothing happens for too long. */
  catchUp(withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let seen = -1;
      const give = setInterval(() => {
        const folded = this.#fold?.position().seq ?? 0;
        if (folded === seen) this.#whenFaulty?.(this.#stuck());
        seen = folded;
      }, withinMs);
      this.#whenLive = () => {
        clearInterval(give);
        resolve();
      };
      this.#whenFaulty = (fault) => {
        clearInterval(give);
        reject(fault);
      };
      this.#follower.restart('it is being opened');
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#publisher.close();
    for (const step of this.#parts.undo) await step();
  }

  /** Each time before the stream is followed: is it strong, and still the one that was followed? Gives its last sequence. */
  async #check(): Promise<number> {
    const { nc, jsm, options, store } = this.#parts;
    const before = this.#table.read();
    if ((before?.head ?? 0) !== store.head().seq)
      throw new StorageFault('unavailable', foreignFile(options.file, before));
    const info = await findStream(jsm, this.#stream, before);
    if (options.allowWeakStream !== true) {
      const weaknesses = streamWeaknesses(info, this.#stream);
      const subject = options.serversSubject ?? 'pulse.sys.jsz';
      const all = this.#brokerChecked ? weaknesses : [...weaknesses, ...(await brokerWeaknesses(nc, info, subject))];
      if (all.length > 0)
        throw new StorageFault('unavailable', `the stream ${info.config.name} is weak: ${all.join('; ')}`);
      this.#brokerChecked = true;
    }
    const { name: stream } = info.config;
    const first: Position = { stream, created: info.created, seq: 0, digest: '', head: 0, commands: 0 };
    await checkIdentity(jsm, info, before ?? first);
    if (before === undefined) store.commit([], () => this.#table.write(first));
    this.#fold ??= new Fold(store, this.#table, before ?? first, (folded) => this.#folded(folded));
    return info.state.last_seq;
  }

  #folded(folded: Folded): void {
    this.#publisher.settle(folded);
    this.announce(folded.outcomes.flatMap((outcome) => (outcome.kind === 'answered' ? [outcome.result] : [])));
  }

  #live(): void {
    if (this.#trouble !== undefined) this.#parts.options.notice?.('the event log takes commands again');
    this.#trouble = undefined;
    this.#publisher.resume();
    this.#whenLive?.();
  }

  #faulty(fault: StorageFault): void {
    if (this.#trouble?.message !== fault.message) this.#parts.options.notice?.(fault.message);
    this.#trouble = fault;
    this.#publisher.fail(fault);
    this.#whenFaulty?.(fault);
  }

  #stuck(): StorageFault {
    return new StorageFault('unavailable', `the stream ${this.#stream.stream} does not answer`);
  }
}

function foreignFile(file: string, position: Position | undefined): string {
  return position === undefined
    ? `${file} holds events that came from no stream; give the stream a file of its own`
    : `${file} was written apart from the stream ${position.stream} that it follows`;
}
