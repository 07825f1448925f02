import { type Duplex, PassThrough, type Readable } from 'node:stream';
import { asError } from '../connection/fault.ts';
import { longTimeout } from '../connection/long-timeout.ts';
import { ConnectTimeoutError } from '../upstream/dial.ts';
import type { ResponseFollows, UpstreamCall, UpstreamHandler } from '../upstream/http-client.ts';
import type { Upstream } from '../upstream/upstreams.ts';
import { answer, breakOff, type Exchange } from './exchange.ts';
import { headerValue, messageTrailers, requestHeaders, responseHeaders, withoutNames } from './headers.ts';
import { join } from './join.ts';

/** How an exchange with an upstream ended. */
export type ForwardOutcome =
  | 'done'
  | 'client_gone'
  /** The client's body stopped arriving. */
  | 'body_late'
  /** Too much is under way at the upstream. */
  | 'overflow'
  | 'unreachable'
  /** No connection in time. */
  | 'connect_timeout'
  /** The answer did not begin within the policy's requestTimeout. */
  | 'request_timeout'
  | 'timeout'
  | 'bad_request'
  | 'broken_off'
  /** An error of the worker itself. */
  | 'fault';

export type ForwardOptions = {
  readonly preserveCase: boolean;
  readonly bodyIdleMs: number;
  /** The worker itself has failed; the exchange is being ended. */
  readonly onFault: (error: Error) => void;
};

/** How many pieces of a request body, as the client's socket brought them, are held for a slow backend, and wait behind them. */
const UPLOAD_CHUNKS = 4;
const UPLOAD_CHUNKS_BEHIND = 2;
/** More of one request are left out, because nothing holds their sender back. */
const MAX_INTERIM = 16;
const TIMEOUTS = new Set(['PULSEPLANE_ANSWER_TIMEOUT', 'ETIMEDOUT']);
const NO_SOCKET = 'PULSEPLANE_UPSTREAM_SOCKETS';
const NO_UPGRADE = 'PULSEPLANE_NO_UPGRADE';
const NO_CONTENT = 204;
/** What an answer without a body must not announce. */
const OF_BODY = ['content-length', 'trailer'];
const BAD_REQUESTS = new Set([
  'PULSEPLANE_BAD_REQUEST',
  // Two of a field of which there may be one.
  'ERR_HTTP2_HEADER_SINGLE_VALUE',
]);

/**
 * Sends a request upstream, when there is a place for it, and streams both bodies, each no faster than its reader
 * takes it. When one side breaks off, so does the other.
 */
export function forward(
  exchange: Exchange,
  upstream: Upstream,
  options: ForwardOptions,
  onEnd: (outcome: ForwardOutcome, error?: Error) => void,
): void {
  new Forwarding(exchange, upstream, options, onEnd).start();
}

class Forwarding implements UpstreamHandler {
  readonly #exchange: Exchange;
  readonly #upstream: Upstream;
  readonly #options: ForwardOptions;
  readonly #onEnd: (outcome: ForwardOutcome, error?: Error) => void;
  readonly #upload: PassThrough | undefined;
  #call: UpstreamCall | undefined;
  /** The answer has begun. */
  #isStarted = false;
  #isEnded = false;
  /** Headers of the answer as they came. */
  #head: readonly string[] = [];
  #interim = 0;
  #release: (() => void) | undefined;
  #leaveLine: (() => void) | undefined;
  #cancelBodyWait: (() => void) | undefined;
  #cancelDeadline: (() => void) | undefined;

  constructor(
    exchange: Exchange,
    upstream: Upstream,
    options: ForwardOptions,
    onEnd: (outcome: ForwardOutcome, error?: Error) => void,
  ) {
    this.#exchange = exchange;
    this.#upstream = upstream;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#upload = exchange.body && uploadOf(exchange.body);
  }

  start(): void {
    this.#guard(() => this.#begin());
  }

  #begin(): void {
    const exchange = this.#exchange;
    exchange.onClosed(() =>
      this.#guard(() => {
        if (this.#isEnded) return;
        this.#end('client_gone');
        this.#call?.abort(new Error('the client has gone'));
      }),
    );
    exchange.onDrain(() => this.#guard(() => this.#call?.resume()));
    this.#watchDeadline();
    this.#watchBody();
    this.#leaveLine = this.#upstream.slots.take(
      (release) => {
        this.#release = release;
        this.#guard(() => this.#send());
      },
      () =>
        this.#guard(() => {
          answer(exchange, 503, 'too many requests wait for the upstream');
          this.#end('overflow');
        }),
    );
  }

  onStart(call: UpstreamCall): void {
    this.#call = call;
    // Over while the connection was being made. The place stays taken until that is done.
    if (this.#isEnded) call.abort(new Error('the request is over'));
  }

  onInterim(status: number, headers: readonly string[]): void {
    this.#interim += 1;
    if (this.#isEnded || this.#interim > MAX_INTERIM) return;
    this.#guard(() => this.#exchange.inform(status, withoutNames(this.#toClient(headers), OF_BODY)));
  }

  onHead(status: number, headers: readonly string[], follows: ResponseFollows): void {
    if (!this.#isEnded) this.#guard(() => this.#respond(status, headers, follows));
  }

  #respond(status: number, headers: readonly string[], follows: ResponseFollows): void {
    this.#head = headers;
    const fields = this.#toClient(headers);
    // A length would announce a body (RFC 9110, section 8.6).
    const passed = status === NO_CONTENT ? withoutNames(fields, OF_BODY) : fields;
    this.#isStarted = this.#exchange.respond(status, passed, follows);
    this.#cancelDeadline?.();
  }

  onData(chunk: Buffer): boolean {
    try {
      return this.#isEnded || this.#exchange.closed || this.#exchange.write(chunk);
    } catch (thrown) {
      this.#fault(thrown);
      return true;
    }
  }

  onUpgrade(protocol: string, headers: readonly string[], stream: Duplex): void {
    this.#release?.();
    this.#call = undefined;
    this.#guard(() => this.#upgrade(protocol, headers, stream));
    if (!this.#isStarted) stream.destroy();
  }

  onEnd(trailers: readonly string[]): void {
    this.#release?.();
    if (this.#isEnded) return;
    this.#guard(() => {
      this.#exchange.finish(messageTrailers(trailers, this.#head, this.#options.preserveCase));
      this.#end('done');
    });
  }

  onError(error: Error): void {
    this.#release?.();
    this.#guard(() => this.#fail(error));
  }

  /** Nothing that an exchange comes to is to end more than that: not the connection to the backend, nor the worker. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.#fault(thrown);
    }
  }

  #fault(thrown: unknown): void {
    const error = asError(thrown);
    this.#options.onFault(error);
    // One that has ended was answered before.
    if (!this.#isEnded) {
      this.#end('fault', error);
      breakOff(this.#exchange);
    }
    this.#call?.abort(error);
  }

  #upgrade(protocol: string, headers: readonly string[], stream: Duplex): void {
    this.#cancelDeadline?.();
    const exchange = this.#exchange;
    const client = this.#isEnded
      ? undefined
      : exchange.upgrade?.accept(protocol, withoutNames(this.#toClient(headers), OF_BODY));
    if (client === undefined) {
      this.#end('client_gone');
      return;
    }
    join(client, stream, () => exchange.abort('upstream'));
    this.#isStarted = true;
  }

  #send(): void {
    const exchange = this.#exchange;
    const request = {
      method: exchange.method,
      target: exchange.target,
      headers: requestHeaders(exchange.headers, exchange.authority, exchange.peerAddress),
      trailers: headerValue(exchange.headers, 'te')?.toLowerCase().includes('trailers') === true,
      body: this.#upload,
      bodyTrailers: () => messageTrailers(exchange.trailers(), exchange.headers, false),
      upgrade: exchange.upgrade?.protocol,
    };
    this.#upstream.send(request, this);
  }

  #toClient(headers: readonly string[]): string[] {
    return responseHeaders(headers, this.#options.preserveCase);
  }

  /** The whole answer's beginning has a limit, when a policy says so. */
  #watchDeadline(): void {
    const { requestTimeoutMs } = this.#upstream.settings.http;
    if (requestTimeoutMs === undefined) return;
    const late = () => {
      if (this.#isStarted || this.#isEnded) return;
      const error = new Error(`no answer in ${requestTimeoutMs} ms`);
      answer(this.#exchange, 504, `upstream timeout: ${error.message}`);
      this.#end('request_timeout', error);
      this.#call?.abort(error);
    };
    this.#cancelDeadline = longTimeout(requestTimeoutMs, () => this.#guard(late));
  }

  #watchBody(): void {
    const exchange = this.#exchange;
    if (exchange.body === undefined || this.#upload === undefined) return;
    const late = () => {
      // From the answer's beginning on both directions may be silent for as long as the two ends like.
      if (this.#isStarted || this.#isEnded) return;
      exchange.giveUpBody();
      answer(exchange, 408, 'the request body did not arrive in time');
      this.#end('body_late');
      this.#call?.abort(new Error('the request body did not arrive in time'));
    };
    const { bodyIdleMs } = this.#options;
    this.#cancelBodyWait = whenSilent(exchange.body, this.#upload, bodyIdleMs, () => this.#guard(late));
  }

  #end(outcome: ForwardOutcome, error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#leaveLine?.();
    this.#cancelBodyWait?.();
    this.#cancelDeadline?.();
    this.#upload?.destroy();
    this.#onEnd(outcome, error);
  }

  #fail(error: Error): void {
    if (this.#isEnded) return;
    if (this.#exchange.closed) this.#end('client_gone');
    else if (this.#isStarted) {
      this.#exchange.abort('upstream');
      this.#end('broken_off', error);
    } else {
      const { status, text, outcome } = failureOf(error);
      answer(this.#exchange, status, text);
      this.#end(outcome, error);
    }
  }
}

type Failure = { readonly status: number; readonly text: string; readonly outcome: ForwardOutcome };

/** What a client is told of a request that failed before its answer began. */
function failureOf(error: Error): Failure {
  if (error instanceof ConnectTimeoutError) {
    const text = `upstream timeout: no connection in ${error.timeoutMs} ms`;
    return { status: 504, text, outcome: 'connect_timeout' };
  }
  const code = 'code' in error ? String(error.code) : '';
  if (TIMEOUTS.has(code)) return { status: 504, text: 'upstream timeout', outcome: 'timeout' };
  if (code === NO_SOCKET) return { status: 503, text: 'too many upstream connections', outcome: 'overflow' };
  if (code === NO_UPGRADE) return { status: 501, text: error.message, outcome: 'bad_request' };
  if (BAD_REQUESTS.has(code)) return { status: 400, text: 'bad request', outcome: 'bad_request' };
  return { status: 503, text: 'upstream unreachable', outcome: 'unreachable' };
}

/**
 * Calls back when a body is awaited and has not brought a byte for a while.
 *
 * @returns cancels
 */
function whenSilent(body: Readable, upload: PassThrough, idleMs: number, callback: () => void): () => void {
  let lastAt = performance.now();
  let cancel: () => void;
  const check = () => {
    if (body.readableEnded || body.destroyed) return;
    // Held back for the sake of a slow upstream: not the client's fault.
    if (upload.writableNeedDrain) lastAt = performance.now();
    const left = idleMs - (performance.now() - lastAt);
    if (left <= 0) callback();
    else cancel = longTimeout(left, check);
  };
  body.on('data', () => {
    lastAt = performance.now();
  });
  cancel = longTimeout(idleMs, check);
  return () => cancel();
}

/**
 * The request body at one remove: the HTTP client destroys the body of a request that failed, and destroying what
 * the client sends would take its connection along, and with it the answer.
 */
function uploadOf(body: Readable): PassThrough {
  // Of pieces, not of bytes, because the pieces are what is held already, and many of a byte would be more than it seems.
  const upload = new PassThrough({
    objectMode: true,
    readableHighWaterMark: UPLOAD_CHUNKS,
    writableHighWaterMark: UPLOAD_CHUNKS_BEHIND,
  });
  upload.on('error', () => undefined);
  body.on('error', (error) => upload.destroy(error));
  body.on('close', () => {
    if (!body.readableEnded) upload.destroy(new Error('the client broke its request off'));
  });
  upload.on('close', () => {
    body.unpipe(upload);
    // Whatever still comes is thrown away, so that the client can read its answer.
    if (!body.destroyed) body.resume();
  });
  return body.pipe(upload);
}
