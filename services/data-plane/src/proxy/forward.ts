import { PassThrough, type Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { longTimeout } from '../connection/long-timeout.ts';
import { answer, type Exchange } from './exchange.ts';
import { headerValue, requestHeaders, responseHeaders } from './headers.ts';
import type { Upstream } from './upstreams.ts';

/** How an exchange with an upstream ended. */
export type ForwardOutcome =
  | 'done'
  | 'client_gone'
  /** The client's body stopped arriving. */
  | 'body_late'
  /** Too much is under way at the upstream. */
  | 'overflow'
  | 'unreachable'
  | 'timeout'
  | 'bad_request'
  | 'broken_off';

export type ForwardOptions = { readonly preserveCase: boolean; readonly bodyIdleMs: number };

const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);
const NO_SOCKET = 'PULSEPLANE_UPSTREAM_SOCKETS';
const BAD_REQUESTS = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH']);

/**
 * Sends a request upstream, when there is a place for it, and streams both bodies, each no faster than its reader
 * takes it. When one side breaks off, so does the other.
 */
export function forward(
  exchange: Exchange,
  upstream: Upstream,
  { preserveCase, bodyIdleMs }: ForwardOptions,
  onEnd: (outcome: ForwardOutcome, error?: Error) => void,
): void {
  const upload = exchange.body && uploadOf(exchange.body);
  let controller: Dispatcher.DispatchController | undefined;
  let started = false;
  let ended = false;
  let release: () => void = () => undefined;
  let leaveLine: () => void = () => undefined;
  let cancelBodyWait: () => void = () => undefined;

  const end = (outcome: ForwardOutcome, error?: Error) => {
    if (ended) return;
    ended = true;
    leaveLine();
    cancelBodyWait();
    upload?.destroy();
    onEnd(outcome, error);
  };

  const fail = (error: Error) => {
    if (ended) return;
    if (exchange.closed) return end('client_gone');
    if (started) {
      exchange.abort();
      return end('broken_off', error);
    }
    const code = 'code' in error ? String(error.code) : '';
    if (TIMEOUTS.has(code)) {
      answer(exchange, 504, 'upstream timeout');
      return end('timeout', error);
    }
    if (code === NO_SOCKET) {
      answer(exchange, 503, 'too many upstream connections');
      return end('overflow', error);
    }
    if (BAD_REQUESTS.has(code)) {
      answer(exchange, 400, 'bad request');
      return end('bad_request', error);
    }
    answer(exchange, 503, 'upstream unreachable');
    end('unreachable', error);
  };

  exchange.onClosed(() => {
    if (ended) return;
    controller?.abort(new Error('the client has gone'));
    end('client_gone');
  });
  exchange.sink.on('drain', () => controller?.resume());

  if (exchange.body !== undefined && upload !== undefined) {
    cancelBodyWait = whenSilent(exchange.body, upload, bodyIdleMs, () => {
      // From the answer's beginning on both directions may be silent for as long as the two ends like.
      if (started || ended) return;
      exchange.giveUpBody();
      answer(exchange, 408, 'the request body did not arrive in time');
      controller?.abort(new Error('the request body did not arrive in time'));
      end('body_late');
    });
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(current) {
      controller = current;
      // Gone while the connection was being made. The place stays taken until the pool is done with it.
      if (ended) current.abort(new Error('the client has gone'));
    },
    onResponseStart(current, status, parsed) {
      if (status < 200 || ended) return;
      const raw =
        rawPairs(current.rawHeaders) ?? Object.entries(parsed).flatMap(([name, value]) => [name, String(value)]);
      started = exchange.respond(status, responseHeaders(raw, preserveCase), headerValue(raw, 'trailer') !== undefined);
    },
    onResponseData(current, chunk) {
      if (ended || exchange.closed) return;
      if (!exchange.sink.write(chunk)) current.pause();
    },
    onResponseEnd(current) {
      release();
      if (ended) return;
      exchange.finish(responseHeaders(rawPairs(current.rawTrailers) ?? [], preserveCase));
      end('done');
    },
    onResponseError(_current, error) {
      release();
      fail(error);
    },
  };

  const dispatch = () => {
    try {
      upstream.dispatcher.dispatch(
        {
          method: exchange.method,
          path: exchange.target,
          headers: requestHeaders(exchange.headers, exchange.authority, exchange.peerAddress),
          body: upload ?? null,
        },
        handler,
      );
    } catch (error) {
      release();
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  };

  leaveLine = upstream.slots.take(
    (place) => {
      release = place;
      dispatch();
    },
    () => {
      answer(exchange, 503, 'too many requests wait for the upstream');
      end('overflow');
    },
  );
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
  const upload = new PassThrough();
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

function rawPairs(raw: Dispatcher.DispatchController['rawHeaders']): string[] | undefined {
  if (!Array.isArray(raw)) return undefined;
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}
