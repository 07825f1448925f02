import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { Deadline } from '../connection/deadline.ts';
import { asError } from '../connection/fault.ts';
import { headerValue } from '../proxy/headers.ts';
import { AnswerTimeoutError } from './answer-timeout.ts';
import type { LostRequest, UpstreamCall, UpstreamHandler, UpstreamRequest } from './http-client.ts';
import { BadRequestError, type Framing, isLast, lastChunk, requestHead } from './request-head.ts';
import { BadResponseError, type ResponseEvents, ResponseParser } from './response-parser.ts';

/** Where the backend says nothing else, and how much earlier than it says. Milliseconds. */
const IDLE_MS = 4_000;
const IDLE_MARGIN_MS = 2_000;
const LONGEST_IDLE_MS = 600_000;
const LOST = new Set(['PULSEPLANE_UPSTREAM_CLOSED', 'ECONNRESET', 'EPIPE']);

/** The backend has ended the connection in the middle. */
class UpstreamClosedError extends Error {
  readonly code = 'PULSEPLANE_UPSTREAM_CLOSED';

  constructor() {
    super('the upstream closed the connection');
    this.name = 'UpstreamClosedError';
  }
}

export type Http1ConnectionEvents = {
  /** The request under way is over, and the connection takes another. */
  onIdle(): void;
  /** It carries another protocol from now on, and is no longer ours. */
  onUpgraded(protocol: string): void;
  /** It takes no more requests. */
  onGone(): void;
  /** The worker itself has failed; the connection is being ended. */
  onFault(error: Error): void;
};

/** An open connection to a backend that carries one request after the other. */
export class Http1Connection {
  readonly socket: Socket;
  readonly #host: string;
  readonly #events: Http1ConnectionEvents;
  readonly #parser = new ResponseParser();
  /** Of the answer's beginning, or of the wait between two requests. */
  readonly #deadline = new Deadline(() => this.#late());
  #call: Call | undefined;
  #isUsed = false;
  #isGone = false;
  #error: Error | undefined;

  /** @param host for requests that name none */
  constructor(socket: Socket, host: string, events: Http1ConnectionEvents) {
    this.socket = socket;
    this.#host = host;
    this.#events = events;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /**
   * Sends a request; the one before must be over.
   *
   * @param headersTimeoutMs how long the head of the answer may take after the request, or after the backend has stopped
   * taking it; 0: as long as it likes
   */
  send(request: UpstreamRequest, headersTimeoutMs: number, handler: UpstreamHandler): void {
    const call = new Call(this, request, headersTimeoutMs, handler, this.#isUsed);
    this.#call = call;
    this.#isUsed = true;
    this.#deadline.lift();
    if (this.socket.destroyed) {
      this.#call = undefined;
      handler.onError(this.#error ?? new UpstreamClosedError(), call.isPooled ? 'unsent' : undefined);
      return;
    }
    try {
      this.#parser.begin(request, call);
      handler.onStart(call);
      // It may have been given up at once.
      if (this.#call === call) call.write(this.#host);
    } catch (thrown) {
      const error = asError(thrown);
      if (!(error instanceof BadRequestError)) this.#events.onFault(error);
      this.fail(call, error);
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Whether it is that request which is under way. */
  carries(call: Call): boolean {
    return this.#call === call;
  }

  /** Nothing more can go out, or nothing is left: from now on the answer is awaited. */
  awaitHead(timeoutMs: number): void {
    if (timeoutMs > 0) this.#deadline.set(performance.now() + timeoutMs);
  }

  /** It is here, or more can go out. */
  stopAwaiting(): void {
    this.#deadline.lift();
  }

  /** Ends a request that failed, and the connection with it. */
  fail(call: Call, error: Error): void {
    if (this.#call !== call) return;
    this.#call = undefined;
    const code = 'code' in error ? String(error.code) : '';
    const isStale = call.isPooled && !this.#parser.hasBegun && LOST.has(code);
    this.#leave();
    this.socket.destroy();
    call.failed(error, isStale ? 'stale' : undefined);
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#receive(chunk);
    } catch (thrown) {
      this.#broken(thrown);
    }
  };

  /** What the backend says cannot be read, or the worker itself has failed. */
  #broken(thrown: unknown): void {
    const error = asError(thrown);
    if (!(error instanceof BadResponseError)) this.#events.onFault(error);
    this.socket.destroy(error);
  }

  #receive(chunk: Buffer): void {
    const call = this.#call;
    const rest = this.#parser.push(chunk);
    // Whoever heard of it may have ended it.
    if (call !== undefined && this.#call !== call) return;
    if (call !== undefined && this.#parser.upgradeHeaders !== undefined) {
      this.#upgrade(call, this.#parser.upgradeHeaders, rest);
    } else if (call !== undefined && this.#parser.isDone) this.#finish(call, rest.length === 0);
    // An answer that nobody asked for.
    else if (rest.length > 0) this.socket.destroy();
  }

  readonly #onEnd = (): void => {
    const call = this.#call;
    try {
      if (call !== undefined && this.#parser.end()) this.#finish(call, false);
      else this.socket.destroy();
    } catch (thrown) {
      this.#broken(thrown);
    }
  };

  readonly #onDrain = (): void => this.#call?.onDrain();

  readonly #onError = (error: Error): void => {
    this.#error ??= error;
  };

  readonly #onClose = (): void => {
    const call = this.#call;
    if (call === undefined) this.#leave();
    else this.fail(call, this.#error ?? new UpstreamClosedError());
  };

  #finish(call: Call, isClean: boolean): void {
    this.#call = undefined;
    const { isPersistent, keepAliveSeconds, trailers } = this.#parser;
    const idleMs =
      keepAliveSeconds === undefined ? IDLE_MS : Math.min(keepAliveSeconds * 1_000 - IDLE_MARGIN_MS, LONGEST_IDLE_MS);
    // A backend that has answered without taking the whole request may never take what would follow it.
    const isTaken = call.isSent && this.socket.writableLength === 0;
    if (isClean && isPersistent && isTaken && !call.isLast && idleMs > 0 && !this.socket.destroyed) {
      this.#deadline.set(performance.now() + idleMs);
      this.socket.resume();
      this.#events.onIdle();
    } else {
      this.#leave();
      this.socket.destroy();
    }
    call.done(trailers);
  }

  #upgrade(call: Call, headers: readonly string[], rest: Buffer): void {
    this.#call = undefined;
    const { socket } = this;
    socket.off('data', this.#onData).off('end', this.#onEnd).off('drain', this.#onDrain).off('close', this.#onClose);
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
    // Each direction's end is passed on by itself.
    socket.allowHalfOpen = true;
    const protocol = (headerValue(headers, 'upgrade') ?? '').toLowerCase();
    this.#events.onUpgraded(protocol);
    this.#leave();
    call.upgraded(protocol, headers, socket);
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#deadline.close();
    this.#events.onGone();
  }

  #late(): void {
    this.socket.destroy(this.#call === undefined ? undefined : new AnswerTimeoutError('no answer in time'));
  }
}

/** One request on a connection. What it hears of when it is over concerns another. */
class Call implements UpstreamCall, ResponseEvents {
  readonly isPooled: boolean;
  readonly #connection: Http1Connection;
  readonly #request: UpstreamRequest;
  readonly #headersTimeoutMs: number;
  readonly #handler: UpstreamHandler;
  /** The whole request is written. */
  isSent = false;
  #isAnswered = false;

  constructor(
    connection: Http1Connection,
    request: UpstreamRequest,
    headersTimeoutMs: number,
    handler: UpstreamHandler,
    isPooled: boolean,
  ) {
    this.#connection = connection;
    this.#request = request;
    this.#headersTimeoutMs = headersTimeoutMs;
    this.#handler = handler;
    this.isPooled = isPooled;
  }

  get isLast(): boolean {
    return isLast(this.#request);
  }

  get #isOver(): boolean {
    return !this.#connection.carries(this);
  }

  resume(): void {
    if (!this.#isOver) this.#connection.socket.resume();
  }

  abort(error: Error): void {
    this.#connection.fail(this, error);
  }

  onInterim(status: number, headers: readonly string[]): void {
    if (!this.#isOver) this.#handler.onInterim(status, headers);
  }

  onHead(status: number, headers: readonly string[]): void {
    if (this.#isOver) return;
    this.#isAnswered = true;
    this.#connection.stopAwaiting();
    this.#handler.onHead(status, headers, headerValue(headers, 'trailer') === undefined ? 'body' : 'trailers');
  }

  onData(chunk: Buffer): void {
    if (!this.#isOver && !this.#handler.onData(chunk)) this.#connection.socket.pause();
  }

  onDrain(): void {
    if (!this.isSent) this.#connection.stopAwaiting();
    this.#request.body?.resume();
  }

  done(trailers: readonly string[]): void {
    this.#handler.onEnd(trailers);
  }

  failed(error: Error, lost: LostRequest | undefined): void {
    this.#handler.onError(error, lost);
  }

  upgraded(protocol: string, headers: readonly string[], stream: Duplex): void {
    this.#handler.onUpgrade(protocol, headers, stream);
  }

  /** Writes the request; its body as it comes. Throws a `BadRequestError`. */
  write(host: string): void {
    const { text, framing } = requestHead(this.#request, host);
    const { body } = this.#request;
    if (body === undefined) {
      this.#connection.socket.write(text, 'latin1');
      this.#sent();
    } else this.#writeBody(body, text, framing);
  }

  /** The head goes out with the beginning of the body. */
  #writeBody(body: Readable, head: string, framing: Framing): void {
    const { socket } = this.#connection;
    let waiting = head;
    let left = framing.kind === 'length' ? framing.bytes : 0;
    const guarded = (action: () => void) => {
      if (this.#isOver) return;
      try {
        action();
      } catch (error) {
        this.abort(asError(error));
      }
    };
    const onData = (chunk: Buffer) => {
      left -= chunk.length;
      if (framing.kind === 'length' && left < 0) throw new BadRequestError('the body is longer than it says');
      socket.cork();
      if (framing.kind === 'chunked') socket.write(`${waiting}${chunk.length.toString(16)}\r\n`, 'latin1');
      else if (waiting !== '') socket.write(waiting, 'latin1');
      waiting = '';
      socket.write(chunk);
      if (framing.kind === 'chunked') socket.write('\r\n', 'latin1');
      socket.uncork();
      if (!socket.writableNeedDrain) return;
      body.pause();
      this.#awaitHead();
    };
    const onEnd = () => {
      if (framing.kind === 'length' && left > 0) throw new BadRequestError('the body is shorter than it says');
      const end = framing.kind === 'chunked' ? lastChunk(this.#request.bodyTrailers()) : '';
      if (waiting !== '' || end !== '') socket.write(`${waiting}${end}`, 'latin1');
      this.#sent();
    };
    body.on('data', (chunk: Buffer) => guarded(() => chunk.length > 0 && onData(chunk)));
    body.on('end', () => guarded(onEnd));
    body.on('error', (error) => this.abort(error));
    body.on('close', () => {
      if (!this.isSent) this.abort(new Error('the request was broken off'));
    });
  }

  #sent(): void {
    this.isSent = true;
    this.#awaitHead();
  }

  /** One that came before the end of the request is awaited no more. */
  #awaitHead(): void {
    if (!this.#isAnswered) this.#connection.awaitHead(this.#headersTimeoutMs);
  }
}
