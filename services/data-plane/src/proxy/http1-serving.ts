import type { ServerResponse } from 'node:http';
import type { EffectiveHttp } from '@pulseplane/projection/gateway';
import type { CloseReason } from '../connection/close-reason.ts';
import { type Connection, LAST_REQUEST_MS, type Served } from '../connection/connection.ts';
import { Deadline } from '../connection/deadline.ts';
import { longTimeout } from '../connection/long-timeout.ts';
import type { Limits } from '../limits.ts';

/** Without a response: what runs then has nothing to answer. */
type Turn = { readonly response: ServerResponse | undefined; readonly run: () => void };

/**
 * One HTTP/1.1 connection. It answers one request after the other, so it also forwards them one after the other;
 * between requests it waits, with a limit.
 */
export class Http1Serving implements Served {
  readonly protocol = 'http1';
  readonly connection: Connection;
  http: EffectiveHttp;
  readonly #limits: Limits;
  #current: ServerResponse | undefined;
  #waiting: Turn[] = [];
  #waitingSince = performance.now();
  /** Of the wait between two requests. */
  readonly #deadline = new Deadline(() => this.connection.close(this.#lateReason));
  #lateReason: CloseReason = 'idle_timeout';
  #cancelLast: (() => void) | undefined;
  #closing = false;
  /** The next request's head began and took too long while an answer was under way. */
  #nextHeadLate = false;

  constructor(connection: Connection, http: EffectiveHttp, limits: Limits) {
    this.connection = connection;
    this.http = http;
    this.#limits = limits;
    this.#wait();
    connection.socket.once('close', () => this.destroy());
  }

  /** Runs a request when those before it are answered, unless the connection ends before. */
  takeTurn(response: ServerResponse | undefined, run: () => void): void {
    if (this.connection.socket.destroyed) return;
    this.#nextHeadLate = false;
    if (this.#current === undefined) this.#begin({ response, run });
    else if (this.#waiting.length < this.#limits.pipelined) this.#waiting.push({ response, run });
    else this.connection.close('protocol_error');
  }

  /**
   * The head of a request did not arrive in time.
   *
   * @returns whether the connection may be closed for it now
   */
  headLate(): boolean {
    // While an answer is under way nothing may have been read, for the sake of a client that reads slowly.
    this.#nextHeadLate = this.#current !== undefined;
    return !this.#nextHeadLate;
  }

  /** The answer under way has begun, so that nothing else may be written. */
  get answering(): boolean {
    return this.#current?.headersSent === true;
  }

  applyHttp(http: EffectiveHttp): void {
    const changed = http.http1IdleTimeoutMs !== this.http.http1IdleTimeoutMs;
    this.http = http;
    if (changed && this.#current === undefined && !this.#closing) this.#wait();
  }

  closeGracefully(): void {
    if (this.#closing) return;
    this.#closing = true;
    // HTTP/1.1 cannot announce the end but in an answer: a request that is on its way gets one, and is the last.
    if (this.#current === undefined) {
      this.#stopWaiting();
      this.#cancelLast = longTimeout(LAST_REQUEST_MS, () => this.#end());
    } else if (!this.#current.headersSent) this.#current.shouldKeepAlive = false;
  }

  destroy(): void {
    this.#stopWaiting();
    this.#waiting = [];
  }

  lastPingRttMs(): undefined {
    return undefined;
  }

  #begin({ response, run }: Turn): void {
    if (response === undefined) {
      run();
      return;
    }
    this.#deadline.lift();
    this.#cancelLast?.();
    this.#current = response;
    if (this.#closing) response.shouldKeepAlive = false;
    response.once('close', () => this.connection.guard(() => this.#over()));
    run();
  }

  /** The answer under way is over. */
  #over(): void {
    this.#current = undefined;
    const { socket } = this.connection;
    // An answer that closes the connection is the last one: what waits is dropped.
    if (socket.destroyed || socket.writableEnded) return;
    const next = this.#waiting.shift();
    if (next?.response !== undefined) this.#begin(next);
    else if (this.#closing) this.#end();
    else {
      this.#waitingSince = performance.now();
      this.#wait();
      next?.run();
    }
  }

  /** The wait for a whole request head: partial bytes do not extend it, as in agentgateway. */
  #wait(): void {
    const idle = this.http.http1IdleTimeoutMs;
    const limit = this.#nextHeadLate ? Math.min(this.#limits.requestHeadMs, idle) : idle;
    this.#lateReason = limit < idle ? 'first_byte_timeout' : 'idle_timeout';
    this.#deadline.set(this.#waitingSince + limit);
  }

  #stopWaiting(): void {
    this.#deadline.close();
    this.#cancelLast?.();
  }

  #end(): void {
    this.#stopWaiting();
    this.connection.socket.destroySoon();
  }
}
