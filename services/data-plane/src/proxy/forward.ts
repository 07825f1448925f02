import { PassThrough, type Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { answer, type Exchange } from './exchange.ts';
import { headerValue, requestHeaders, responseHeaders } from './headers.ts';

/** How an exchange with an upstream ended. */
export type ForwardOutcome = 'done' | 'client_gone' | 'unreachable' | 'timeout' | 'bad_request' | 'broken_off';

const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);
const BAD_REQUESTS = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH']);

/**
 * Sends a request upstream and streams both bodies, each no faster than its reader takes it. When one side breaks
 * off, so does the other.
 */
export function forward(
  exchange: Exchange,
  upstream: Dispatcher,
  preserveCase: boolean,
  onEnd: (outcome: ForwardOutcome, error?: Error) => void,
): void {
  const upload = exchange.body && uploadOf(exchange.body);
  let controller: Dispatcher.DispatchController | undefined;
  let started = false;
  let ended = false;

  const end = (outcome: ForwardOutcome, error?: Error) => {
    if (ended) return;
    ended = true;
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

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(current) {
      controller = current;
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
      if (ended) return;
      exchange.finish(responseHeaders(rawPairs(current.rawTrailers) ?? [], preserveCase));
      end('done');
    },
    onResponseError(_current, error) {
      fail(error);
    },
  };

  try {
    upstream.dispatch(
      {
        method: exchange.method,
        path: exchange.target,
        headers: requestHeaders(exchange.headers, exchange.authority, exchange.peerAddress),
        body: upload ?? null,
      },
      handler,
    );
  } catch (error) {
    fail(error instanceof Error ? error : new Error(String(error)));
  }
}

/**
 * The request body at one remove: the HTTP client destroys the body of a request that failed, and destroying what
 * the client sends would take its connection along, and with it the answer.
 */
function uploadOf(body: Readable): Readable {
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
