import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { Readable } from 'node:stream';
import { Deadline } from '../connection/deadline.ts';
import { toHeaderObject, withoutNames } from '../proxy/headers.ts';
import { AnswerTimeoutError } from './answer-timeout.ts';
import { MOST_INTERIM, type UpstreamHandler, type UpstreamRequest } from './http-client.ts';
import { BadResponseError } from './response-parser.ts';

/** A session that takes requests. */
export type ProvenSession = {
  readonly session: ClientHttp2Session;
  /** It has answered a request. */
  isProven: boolean;
  /** Something was thrown that nobody had foreseen: the session ends (decision 33). */
  fault(thrown: unknown): void;
};

/** Of the websocket handshake (RFC 8441, section 5). */
const HTTP1_ONLY = ['sec-websocket-key'];

/** The backend cannot be asked for the protocol that the client wants to change to. */
class NoUpgradeError extends Error {
  readonly code = 'PULSEPLANE_NO_UPGRADE';
}

/**
 * One request on a stream of its own.
 *
 * @param headersTimeoutMs how long the head of the answer may take after the request, or after the backend has stopped
 * taking it; 0: as long as it likes
 * @param done called once, when the stream is over
 */
export function exchange(
  ready: ProvenSession,
  request: UpstreamRequest,
  headersTimeoutMs: number,
  handler: UpstreamHandler,
  done: () => void,
): void {
  const { session } = ready;
  const wasProven = ready.isProven;
  let stream: ClientHttp2Stream;
  try {
    if (request.upgrade !== undefined) checkUpgrade(session, request.upgrade);
    const endStream = request.body === undefined && request.upgrade === undefined;
    stream = session.request(headersOf(request), { endStream, waitForTrailers: request.body !== undefined });
  } catch (error) {
    done();
    handler.onError(error instanceof Error ? error : new Error(String(error)), session.closed ? 'unsent' : undefined);
    return;
  }
  const hasEnded = watchEnd(stream);
  const guarded =
    <Args extends readonly unknown[]>(step: (...args: Args) => void) =>
    (...args: Args): void => {
      try {
        step(...args);
      } catch (thrown) {
        ready.fault(thrown);
      }
    };
  let trailers: readonly string[] = [];
  let failure: Error | undefined;
  let isOver = false;
  let isAnswered = false;
  let interim = 0;
  const deadline = new Deadline(() => abort(new AnswerTimeoutError('no answer in time')));
  /** Nothing more can go out, or nothing is left. */
  const awaitHead = () => {
    if (headersTimeoutMs > 0 && !isOver && !isAnswered) deadline.set(performance.now() + headersTimeoutMs);
  };
  const end = (tell: () => void) => {
    if (isOver) return;
    isOver = true;
    deadline.close();
    done();
    tell();
  };
  const abort = (error: Error) => {
    failure ??= error;
    stream.close(constants.NGHTTP2_CANCEL);
    // Closed alone it would not be over before the backend has room for the stream, and reads.
    stream.destroy();
  };
  stream.on('wantTrailers', () => {
    if (stream.destroyed || stream.closed) return;
    try {
      stream.sendTrailers(toHeaderObject(request.bodyTrailers()));
    } catch (error) {
      abort(error instanceof Error ? error : new Error(String(error)));
    }
  });
  const onInterim = (headers: IncomingHttpHeaders, _flags: number, raw?: readonly string[]) => {
    const status = Number(headers[':status']);
    interim += 1;
    if (interim > MOST_INTERIM) return abort(new BadResponseError('too many interim answers'));
    // 100 is for whoever sent `expect`, which stays on the client's side.
    if (!isOver && status > 101) handler.onInterim(status, withoutPseudo(raw ?? []));
  };
  const onHead = (headers: IncomingHttpHeaders, flags: number, raw?: readonly string[]) => {
    isAnswered = true;
    deadline.close();
    ready.isProven = true;
    const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const answer = withoutPseudo(raw ?? []);
    const status = Number(headers[':status']);
    // Node lets three digits through, whatever they are.
    if (status < 200) return abort(new BadResponseError('the status'));
    if (request.upgrade !== undefined && status < 300) {
      isOver = true;
      stream.once('close', done);
      return handler.onUpgrade('websocket', answer, stream);
    }
    handler.onHead(status, answer, isWhole ? 'nothing' : 'trailers');
    stream.on('data', (chunk: Buffer) => {
      if (!handler.onData(chunk)) stream.pause();
    });
  };
  stream.on('headers', guarded(onInterim));
  stream.on('response', guarded(onHead));
  stream.on('trailers', (_headers, _flags, raw?: readonly string[]) => {
    trailers = raw ?? [];
  });
  stream.on('error', (error) => {
    failure ??= error;
  });
  const onEnd = () => {
    const isBroken = stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR || failure !== undefined;
    if (isOver || isBroken || !hasEnded()) return;
    end(() => handler.onEnd(trailers));
    // The answer is whole; what the client still uploads is not wanted (RFC 9113, section 8.1).
    if (!stream.writableFinished) stream.close(constants.NGHTTP2_NO_ERROR);
  };
  const onClose = () =>
    end(() => {
      const error = failure ?? new Error(`the upstream ended the stream with code ${stream.rstCode}`);
      const isRefused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
      const isLost = wasProven && session.destroyed;
      handler.onError(error, isRefused ? 'unprocessed' : isLost ? 'stale' : undefined);
    });
  stream.on('end', guarded(onEnd));
  stream.on('close', guarded(onClose));
  handler.onStart({ resume: () => void stream.resume(), abort });
  if (request.body === undefined) awaitHead();
  else sendBody(request.body, stream, awaitHead, () => deadline.lift()).on('error', abort);
}

/**
 * Node ends a stream that was reset with NO_ERROR as it ends one that the backend has ended, with END_STREAM. But what it
 * had of an answer then is a part of it, or nothing.
 *
 * @returns whether the backend has ended it
 */
function watchEnd(stream: ClientHttp2Stream): () => boolean {
  let isEnded = false;
  stream.push = (piece: unknown, encoding?: BufferEncoding) => {
    if (piece === null && !stream.closed) isEnded = true;
    return Readable.prototype.push.call(stream, piece, encoding);
  };
  return () => isEnded;
}

/**
 * Sends the body no faster than it is taken.
 *
 * @param onHeld nothing more can go out, or nothing is left
 * @param onTaken more can go out again
 */
function sendBody(body: Readable, stream: ClientHttp2Stream, onHeld: () => void, onTaken: () => void): Readable {
  body.pipe(stream);
  stream.on('drain', onTaken);
  body.on('end', onHeld);
  return body.on('data', () => {
    if (stream.writableNeedDrain) onHeld();
  });
}

/** An upgrade over HTTP/2 is an extended CONNECT, which a server must have allowed (RFC 8441, section 3). */
function checkUpgrade(session: ClientHttp2Session, protocols: string): void {
  if (protocols !== 'websocket') throw new NoUpgradeError('a backend of HTTP/2 takes no upgrade but websocket');
  if (session.remoteSettings.enableConnectProtocol !== true) {
    throw new NoUpgradeError('the backend takes no websocket over HTTP/2');
  }
}

function headersOf({ method, target, headers, trailers, upgrade }: UpstreamRequest): Record<string, string | string[]> {
  const { host = '', ...others } = toHeaderObject(upgrade === undefined ? headers : withoutNames(headers, HTTP1_ONLY));
  return {
    ':method': upgrade === undefined ? method : 'CONNECT',
    ...(upgrade !== undefined && { ':protocol': upgrade }),
    ':path': target,
    ':scheme': 'http',
    ...(host !== '' && { ':authority': host }),
    ...others,
    ...(trailers && { te: 'trailers' }),
  };
}

function withoutPseudo(raw: readonly string[]): string[] {
  const headers: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (!name.startsWith(':')) headers.push(name, raw[index + 1] ?? '');
  }
  return headers;
}
