import { constants, type ServerHttp2Session } from 'node:http2';
import type { PingKeepalive, PingSettings, PingWatch } from '@pulseplane/keepalive';
import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { Connection, Served } from '../connection/connection.ts';
import { longTimeout } from '../connection/long-timeout.ts';
import type { Limits } from '../limits.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export type Http2ServingContext = {
  readonly pings: PingKeepalive;
  readonly limits: Limits;
  onPing(): void;
  onPingAck(rttMs: number): void;
};

const PING_BYTES = 17;
const SETTINGS_ACK_BYTES = 9;
/** GOAWAY with the highest stream id there is and NO_ERROR: 8 bytes of type 7 on stream 0. */
const SHUTDOWN_NOTICE = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
/** How long a client may take to acknowledge that the session ends. */
const SHUTDOWN_NOTICE_MS = 1_000;
const LINGER_MS = 1_000;

/** One HTTP/2 session: its PINGs, its idle time, what it may ask of the worker, and its end. */
export class Http2Serving implements Served {
  readonly protocol = 'http2';
  readonly #connection: Connection;
  readonly #session: ServerHttp2Session;
  readonly #context: Http2ServingContext;
  #watch: PingWatch | undefined;
  #interval: number | undefined;
  #timeout: number | undefined;
  readonly #control: TokenBucket;
  readonly #resets: TokenBucket;
  #streams = 0;
  #cancelIdle: () => void = () => undefined;
  #closing = false;
  /** Bytes of answers to PING and SETTINGS, perhaps not sent yet. */
  #answered = 0;
  /** Bytes of anything else that had been sent when the last of them came. */
  #sent = 0;

  constructor(connection: Connection, session: ServerHttp2Session, context: Http2ServingContext) {
    this.#connection = connection;
    this.#session = session;
    this.#context = context;
    this.#control = createTokenBucket(context.limits.http2ControlFrames);
    this.#resets = createTokenBucket(context.limits.http2Resets);
    session.once('close', () => this.#stop());
    session.on('ping', () => this.#police('too_many_pings', PING_BYTES));
    session.on('remoteSettings', () => this.#police('too_many_settings', SETTINGS_ACK_BYTES));
    session.on('stream', (stream) => {
      this.#cancelIdle();
      this.#streams += 1;
      stream.once('aborted', () => {
        // The answer had not begun, so that it was asked for in vain.
        if (!stream.headersSent && !this.#resets.take()) this.#calm('too_many_resets');
      });
      stream.once('close', () => {
        this.#streams -= 1;
        if (this.#streams === 0) this.#waitIdle();
      });
    });
    this.#waitIdle();
  }

  applyHttp(http: EffectiveHttp): void {
    const intervalMs = http.http2KeepaliveIntervalMs;
    const timeoutMs = http.http2KeepaliveTimeoutMs;
    if (intervalMs === this.#interval && timeoutMs === this.#timeout) return;
    this.#interval = intervalMs;
    this.#timeout = timeoutMs;
    if (intervalMs === undefined) this.#stopPings();
    else if (this.#watch === undefined) this.#watch = this.#keepAlive({ intervalMs, timeoutMs });
    else this.#watch.update({ intervalMs, timeoutMs });
  }

  #keepAlive(settings: PingSettings): PingWatch {
    return this.#context.pings.watch(
      {
        session: this.#session,
        bytesRead: () => this.#connection.socket.bytesRead,
        onPing: () => this.#context.onPing(),
        onAck: (rttMs) => this.#context.onPingAck(rttMs),
        onTimeout: () => this.#connection.close('ping_timeout'),
      },
      settings,
    );
  }

  /**
   * In two steps, so that no request is lost that was on its way (RFC 9113, section 6.8): a GOAWAY that refuses nothing,
   * and when the client must have seen it, one that names the last stream. Streams under way finish. Where the first
   * cannot be written there is the second alone, by which a client may send again what it refuses.
   */
  closeGracefully(): void {
    const session = this.#session;
    // One that the client has ended finishes what it has.
    if (session.destroyed || session.closed || this.#closing) return;
    this.#closing = true;
    const close = () => {
      cancel();
      if (!session.destroyed && !session.closed) session.close();
    };
    const cancel = longTimeout(SHUTDOWN_NOTICE_MS, close);
    const { socket } = this.#connection;
    // When all is said, node:http2 waits for the client to end its side.
    socket.once('finish', () => longTimeout(LINGER_MS, () => socket.destroy()));
    const announce = () => {
      if (session.destroyed || session.closed) return;
      if (!canWritePast(this.#connection)) return close();
      // Written past node:http2, whose own GOAWAY refuses new streams at once. It writes whole frames only.
      socket.write(SHUTDOWN_NOTICE);
      // Frames are answered in order: with its ACK the client has read the GOAWAY before it.
      if (!session.ping(close)) close();
    };
    // SETTINGS must be the first frame (RFC 9113, section 3.4), and those of a new session go out with this turn's end.
    setImmediate(announce);
  }

  destroy(): void {
    this.#stop();
    if (!this.#session.destroyed) this.#session.destroy();
  }

  lastPingRttMs(): number | undefined {
    return this.#watch?.lastRttMs;
  }

  #stop(): void {
    this.#cancelIdle();
    this.#stopPings();
  }

  #stopPings(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }

  #waitIdle(): void {
    this.#cancelIdle();
    if (this.#session.destroyed) return;
    this.#cancelIdle = longTimeout(this.#context.limits.http2IdleMs, () =>
      this.#connection.closeGracefully('idle_timeout'),
    );
  }

  /**
   * Each of these frames makes the worker answer, and costs the client nothing. One that comes after something else was
   * sent is free: gRPC measures the path with a PING for each piece of data that it reads.
   */
  #police(complaint: string, answerBytes: number): void {
    this.#answered += answerBytes;
    const sent = this.#connection.socket.bytesWritten - this.#answered;
    const isFree = sent > this.#sent;
    this.#sent = Math.max(this.#sent, sent);
    if (!isFree && !this.#control.take()) this.#calm(complaint);
  }

  #calm(complaint: string): void {
    if (this.#session.destroyed) return;
    this.#connection.explain('flood');
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from(complaint));
    this.#session.destroy();
  }
}

/**
 * Whether bytes can go out beside those of node:http2. It ends the process when a write that is not its own is done
 * later than at once, and such is each one of TLS, and one of TCP behind others.
 */
function canWritePast({ socket, secured }: Connection): boolean {
  const handle: unknown = Reflect.get(socket, '_handle');
  return secured === undefined && Reflect.get(Object(handle), 'writeQueueSize') === 0;
}
