import type { PingKeepalive, PingTarget, PingWatch } from '@pulseplane/keepalive';
import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { Connection, Served } from '../connection/connection.ts';
import { Deadline } from '../connection/deadline.ts';
import { longTimeout } from '../connection/long-timeout.ts';
import { type ConnectionError, ERROR } from '../http2/protocol.ts';
import type { SessionSettings } from '../http2/sending.ts';
import { Http2Session, type SessionHandler } from '../http2/session.ts';
import type { Http2Stream } from '../http2/stream.ts';
import type { IdleFrame } from '../http2/streams.ts';
import type { Limits } from '../limits.ts';
import { CHUNK } from '../transport/chunk.ts';
import { readInto } from '../transport/read-into.ts';
import { Http2Police } from './http2-police.ts';
import type { IdleSessions } from './idle-sessions.ts';
import { endWhenTaken } from './last-answers.ts';
import { sendPast } from './send-past.ts';
import type { SendWatch } from './send-watch.ts';
import { Taken } from './taken.ts';

export type Http2ServingContext = {
  readonly pings: PingKeepalive;
  readonly limits: Limits;
  readonly idle: IdleSessions<Connection>;
  readonly sends: SendWatch;
  onPing(): void;
  onPingAck(rttMs: number): void;
  /** Answers were called off because the client gave no window for them. */
  onSendTimeouts(count: number): void;
  onStream(connection: Connection, stream: Http2Stream): void;
};

/** How long a client may take to acknowledge that the session ends. */
const SHUTDOWN_NOTICE_MS = 1_000;
const LINGER_MS = 1_000;
const SETTINGS_TIMEOUT_MS = 30_000;
/** What may wait for a client that does not read: more than a turn's answers. Bytes. */
const MOST_UNREAD = 2_097_152;

/** As much as Node reads at once: where each read is copied, longer ones make V8 mark its heap more often. */
const READ = CHUNK.subarray(0, 65_536);

/** Sessions whose output leaves when this turn of the event loop is over. */
let waiting: Http2Serving[] = [];

function flushSoon(serving: Http2Serving): void {
  if (waiting.push(serving) > 1) return;
  setImmediate(() => {
    const now = waiting;
    waiting = [];
    for (const one of now) one.flush();
  });
}

/**
 * One HTTP/2 session on its socket: its PINGs, its idle time, what it may ask of the worker, and its end. It is its
 * own handler and target, because a worker holds many that are silent.
 */
export class Http2Serving implements Served, SessionHandler, PingTarget {
  readonly protocol = 'http2';
  lastReadAt = performance.now();
  readonly #connection: Connection;
  readonly #session: Http2Session;
  readonly #context: Http2ServingContext;
  #watch: PingWatch | undefined;
  #interval: number | undefined;
  #timeout: number | undefined;
  #police: Http2Police | undefined;
  /** Frames that had been sent when the last PING went out, and what the client takes of what was in front of it. */
  #saidAtPing = 0;
  #taken: Taken | undefined;
  #bytesSent = 0;
  #cancelNotice: (() => void) | undefined;
  /** The head that is awaited, and its deadline, made for the first that does not come at once. */
  #head: number | undefined;
  #headDeadline: Deadline | undefined;
  #isScheduled = false;
  #isClosing = false;
  #takesNone = false;

  constructor(connection: Connection, settings: SessionSettings, context: Http2ServingContext) {
    this.#connection = connection;
    this.#context = context;
    const options = { settings, settingsTimeoutMs: SETTINGS_TIMEOUT_MS, now: () => performance.now() };
    this.#session = new Http2Session(options, this);
    const { socket } = connection;
    // Whoever serves the connection has to know of it first.
    process.nextTick(() => this.#read());
    socket.on('drain', () => this.flush());
    socket.once('end', () => this.destroy());
    socket.once('close', () => this.destroy());
    context.idle.add(connection);
  }

  #read(): void {
    const { socket, secured } = this.#connection;
    const receive = (piece: Buffer) => {
      this.lastReadAt = performance.now();
      try {
        this.#session.receive(piece);
        this.#watchHead();
      } catch (thrown) {
        this.#connection.fault(thrown);
      }
    };
    // What was read while nobody knew what the client speaks.
    for (let piece = socket.read(); piece !== null; piece = socket.read()) receive(piece);
    const onRead = (length: number) => {
      // Others are read into it too. Node makes 64 KiB for each read otherwise.
      const piece = Buffer.allocUnsafe(length);
      READ.copy(piece, 0, 0, length);
      receive(piece);
      return true;
    };
    if (secured !== undefined || !readInto(socket, READ, onRead)) socket.on('data', receive);
    socket.resume();
  }

  applyHttp(http: EffectiveHttp): void {
    const intervalMs = http.http2KeepaliveIntervalMs;
    const timeoutMs = http.http2KeepaliveTimeoutMs;
    if (intervalMs === this.#interval && timeoutMs === this.#timeout) return;
    this.#interval = intervalMs;
    this.#timeout = timeoutMs;
    if (intervalMs === undefined) this.#stopPings();
    else if (this.#watch === undefined) this.#watch = this.#context.pings.watch(this, { intervalMs, timeoutMs });
    else this.#watch.update({ intervalMs, timeoutMs });
  }

  /**
   * In two steps, so that no request is lost that was on its way (RFC 9113, section 6.8): a GOAWAY that refuses nothing,
   * and when the client must have seen it, one that names the last stream. Streams under way finish.
   */
  closeGracefully(): void {
    if (this.isOver || this.#isClosing) return;
    this.#isClosing = true;
    this.#session.announceEnd();
    this.#cancelNotice = longTimeout(SHUTDOWN_NOTICE_MS, () => this.onEndSeen());
  }

  destroy(): void {
    this.#context.idle.remove(this.#connection);
    this.#stopPings();
    this.#cancelNotice?.();
    this.#headDeadline?.close();
    this.#session.close();
  }

  endStalled(limitMs: number): boolean {
    const count = this.#session.resetStalled(limitMs);
    if (count > 0) this.#context.onSendTimeouts(count);
    return this.#session.isBlocked;
  }

  lastPingRttMs(): number | undefined {
    return this.#watch?.lastRttMs;
  }

  bytesSent(): number {
    return this.#bytesSent;
  }

  get isOver(): boolean {
    return this.#session.isOver;
  }

  /** What it touches is warm now, so it leaves at once, and not when the turn is over, unless more waits for that. */
  ping(): void {
    const leavesNow = !this.#isScheduled;
    this.#isScheduled = true;
    this.#markTaken();
    this.#session.ping();
    this.#saidAtPing = this.#session.said;
    this.#context.onPing();
    if (leavesNow) this.flush();
  }

  takenAt(): number {
    return this.#taken?.at() ?? 0;
  }

  /** The kernel is asked only where something was said since the last PING: of a silent session nothing waits. */
  #markTaken(): void {
    const isSilent = this.#session.said === this.#saidAtPing;
    this.#taken = isSilent ? undefined : new Taken(this.#connection.socket);
  }

  onPingAck(rttMs: number): void {
    this.#watch?.acknowledged(rttMs);
    this.#context.onPingAck(rttMs);
  }

  onEndSeen(): void {
    this.#cancelNotice?.();
    this.#refuseStreams();
  }

  onPingTimeout(): void {
    this.#connection.close('ping_timeout');
  }

  onStream(stream: Http2Stream): void {
    this.#context.idle.remove(this.#connection);
    this.#context.onStream(this.#connection, stream);
  }

  onStreamEnd(): void {
    if (this.#session.streams > 0 || this.isOver) return;
    this.#context.idle.add(this.#connection);
    if (this.#takesNone) this.onOutput();
  }

  onOutput(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    flushSoon(this);
  }

  /** Writes what waits, and ends the connection when nothing is to come. */
  flush(): void {
    this.#isScheduled = false;
    try {
      this.#flush();
    } catch (thrown) {
      this.#connection.fault(thrown);
    }
  }

  #flush(): void {
    const { socket } = this.#connection;
    if (!socket.writable) return;
    this.#write(this.#session.take(socket.writableNeedDrain));
    if (socket.writableLength > MOST_UNREAD) {
      this.#connection.close('flood');
      return;
    }
    if (socket.writableLength > 0 || this.#session.isBlocked) this.#context.sends.watch(this.#connection);
    if (this.isOver || (this.#takesNone && this.#session.streams === 0)) this.#end();
    else if (this.#session.hasMore && !socket.writableNeedDrain) this.onOutput();
  }

  #write(chunks: readonly Buffer[]): void {
    const { socket } = this.#connection;
    const [first] = chunks;
    if (first === undefined) return;
    if (chunks.length > 1) {
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
      return;
    }
    // A PING, mostly: of a silent session it is all that there is.
    const sent = sendPast(socket, first, first.length);
    if (sent === undefined) return;
    this.#bytesSent += sent;
    if (sent < first.length) socket.write(first.subarray(sent));
  }

  onIdleFrame(frame: IdleFrame): void {
    this.#police ??= new Http2Police(this.#context.limits);
    this.#calm(this.#police.idleFrame(frame, this.#session.said));
  }

  onWasted(): void {
    this.#police ??= new Http2Police(this.#context.limits);
    this.#calm(this.#police.wasted());
  }

  /** Bytes of a head put its deadline off no more than over HTTP/1.1: amid a block nothing else can come. */
  #watchHead(): void {
    const { headUnderWay } = this.#session;
    if (headUnderWay === this.#head) return;
    this.#head = headUnderWay;
    if (headUnderWay === undefined) {
      this.#headDeadline?.lift();
      return;
    }
    this.#headDeadline ??= new Deadline(() => this.#connection.guard(() => this.#headLate()));
    this.#headDeadline.set(this.lastReadAt + this.#context.limits.requestHeadMs);
  }

  #headLate(): void {
    this.#connection.explain('first_byte_timeout');
    this.#session.end(ERROR.PROTOCOL_ERROR, 'a head that did not come whole in time');
  }

  onPeerGoaway(code: number): void {
    if (code === ERROR.NO_ERROR) {
      this.#refuseStreams();
      return;
    }
    this.#connection.explain('protocol_error');
    this.#session.end(ERROR.NO_ERROR, '');
  }

  onError({ code, message }: ConnectionError): void {
    this.#connection.error ??= message;
    this.#connection.explain(code === ERROR.ENHANCE_YOUR_CALM ? 'flood' : 'protocol_error');
  }

  /** One that asks too much is told to be calm. */
  #calm(complaint: string | undefined): void {
    if (complaint === undefined) return;
    this.#connection.explain('flood');
    this.#session.end(ERROR.ENHANCE_YOUR_CALM, complaint);
  }

  #refuseStreams(): void {
    this.#isClosing = true;
    this.#takesNone = true;
    this.#session.refuseStreams();
    if (this.#session.streams === 0) this.onOutput();
  }

  /** All is said. One that was cut off has a moment to read why, others the time that their last answers take them. */
  #end(): void {
    const { socket } = this.#connection;
    const isCutOff = this.isOver;
    this.destroy();
    if (!isCutOff) {
      endWhenTaken(socket, () => this.lastReadAt);
      return;
    }
    longTimeout(LINGER_MS, () => void socket.destroy());
    socket.end();
  }

  #stopPings(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }
}
