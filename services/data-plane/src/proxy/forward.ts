import { PassThrough, type Readable } from 'node:stream';
import { longTimeout } from '../connection/long-timeout.ts';
import { ConnectTimeoutError } from '../upstream/dial.ts';
import type { UpstreamCall, UpstreamHandler } from '../upstream/http-client.ts';
import type { Upstream } from '../upstream/upstreams.ts';
import { answer, type Exchange } from './exchange.ts';
import { headerValue, requestHeaders, requestTrailers, responseHeaders, withoutNames } from './headers.ts';
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
  | 'broken_off';

export type ForwardOptions = { readonly preserveCase: boolean; readonly bodyIdleMs: number };

/** How many pieces of a request body, as the client's socket brought them, are held for a slow backend. */
const UPLOAD_CHUNKS = 4;
/** More of one request are left out, because nothing holds their sender back. */
const MAX_INTERIM = 16;
const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'PULSEPLANE_ANSWER_TIMEOUT', 'ETIMEDOUT']);
const NO_SOCKET = 'PULSEPLANE_UPSTREAM_SOCKETS';
const NO_UPGRADE = 'PULSEPLANE_NO_UPGRADE';
const BAD_REQUESTS = new Set([
  ...['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'],
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
  { preserveCase, bodyIdleMs }: ForwardOptions,
  onEnd: (outcome: ForwardOutcome, error?: Error) => void,
): void {
  const upload = exchange.body && uploadOf(exchange.body);
  let call: UpstreamCall | undefined;
  let started = false;
  let interim = 0;
  let ended = false;
  let release: () => void = () => undefined;
  let leaveLine: () => void = () => undefined;
  let cancelBodyWait: () => void = () => undefined;
  let cancelDeadline: () => void = () => undefined;

  const end = (outcome: ForwardOutcome, error?: Error) => {
    if (ended) return;
    ended = true;
    leaveLine();
    cancelBodyWait();
    cancelDeadline();
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
    if (error instanceof ConnectTimeoutError) {
      answer(exchange, 504, `upstream timeout: no connection in ${error.timeoutMs} ms`);
      return end('connect_timeout', error);
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
    if (code === NO_UPGRADE) {
      answer(exchange, 501, error.message);
      return end('bad_request', error);
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
    end('client_gone');
    call?.abort(new Error('the client has gone'));
  });
  exchange.onDrain(() => call?.resume());

  const { requestTimeoutMs } = upstream.settings.http;
  if (requestTimeoutMs !== undefined) {
    cancelDeadline = longTimeout(requestTimeoutMs, () => {
      if (started || ended) return;
      const error = new Error(`no answer in ${requestTimeoutMs} ms`);
      answer(exchange, 504, `upstream timeout: ${error.message}`);
      end('request_timeout', error);
      call?.abort(error);
    });
  }

  if (exchange.body !== undefined && upload !== undefined) {
    cancelBodyWait = whenSilent(exchange.body, upload, bodyIdleMs, () => {
      // From the answer's beginning on both directions may be silent for as long as the two ends like.
      if (started || ended) return;
      exchange.giveUpBody();
      answer(exchange, 408, 'the request body did not arrive in time');
      end('body_late');
      call?.abort(new Error('the request body did not arrive in time'));
    });
  }

  const handler: UpstreamHandler = {
    onStart(current) {
      call = current;
      // Over while the connection was being made. The place stays taken until that is done.
      if (ended) current.abort(new Error('the request is over'));
    },
    onInterim(status, headers) {
      interim += 1;
      if (ended || interim > MAX_INTERIM) return;
      exchange.inform(status, withoutNames(responseHeaders(headers, preserveCase), ['content-length', 'trailer']));
    },
    onHead(status, headers, follows) {
      if (ended) return;
      started = exchange.respond(status, responseHeaders(headers, preserveCase), follows);
      cancelDeadline();
    },
    onData: (chunk) => ended || exchange.closed || exchange.write(chunk),
    onUpgrade(protocol, headers, stream) {
      release();
      call = undefined;
      cancelDeadline();
      const client = ended ? undefined : exchange.upgrade?.accept(protocol, responseHeaders(headers, preserveCase));
      if (client === undefined) {
        stream.destroy();
        return end('client_gone');
      }
      started = true;
      join(client, stream, () => exchange.abort());
    },
    onEnd(trailers) {
      release();
      if (ended) return;
      exchange.finish(responseHeaders(trailers, preserveCase));
      end('done');
    },
    onError(error) {
      release();
      fail(error);
    },
  };

  const send = () =>
    upstream.send(
      {
        method: exchange.method,
        target: exchange.target,
        headers: requestHeaders(exchange.headers, exchange.authority, exchange.peerAddress),
        trailers: headerValue(exchange.headers, 'te')?.toLowerCase().includes('trailers') === true,
        body: upload,
        bodyTrailers: () => requestTrailers(exchange.trailers(), exchange.headers),
        upgrade: exchange.upgrade?.protocol,
      },
      handler,
    );

  leaveLine = upstream.slots.take(
    (place) => {
      release = place;
      send();
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
  // Of objects, though they are bytes: undici would give a body that is there already a length, and no trailers.
  const upload = new PassThrough({ readableObjectMode: true, readableHighWaterMark: UPLOAD_CHUNKS });
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
