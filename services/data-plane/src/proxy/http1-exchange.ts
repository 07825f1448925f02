import { type IncomingMessage, type ServerResponse, STATUS_CODES, validateHeaderValue } from 'node:http';
import type { CloseReason } from '../connection/close-reason.ts';
import type { Connection } from '../connection/connection.ts';
import { headerLines, hostProblem, validTarget } from './authority.ts';
import type { Exchange, Upgrade } from './exchange.ts';
import { headerValue, withFirst, withoutNames } from './headers.ts';
import type { SendWatch } from './send-watch.ts';

/** The beginning of a body up to this size waits for what else comes at once. Bytes. */
const SMALL = 16_384;

/** A request to refuse without asking an upstream. */
export type Refusal = { readonly status: number; readonly text: string };

/**
 * One request on an HTTP/1.1 connection as an exchange. A class, because object literals with getters, and all that
 * these see, live until V8 marks the whole heap: that took a quarter of the CPU time of a request.
 */
export class Http1Exchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: readonly string[];
  readonly body: IncomingMessage | undefined;
  readonly upgrade: Upgrade | undefined;
  readonly peerAddress: string;
  readonly #connection: Connection;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #sends: SendWatch;
  /** The beginning of the body, for as long as it may be the whole. */
  #held: Buffer | undefined;
  /** The head has gone to Node, with what was held. */
  #isOut = false;
  #onClosed: (() => void)[] = [];

  constructor(
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
    sends: SendWatch,
    upgrade?: Upgrade,
  ) {
    const { target, authority } = splitTarget(request.url ?? '/');
    this.method = request.method ?? 'GET';
    this.target = target;
    this.authority = authority ?? request.headers.host ?? '';
    this.headers = request.rawHeaders;
    this.body = hasBody(request) ? request : undefined;
    this.upgrade = upgrade;
    this.peerAddress = connection.peerAddress;
    this.#connection = connection;
    this.#request = request;
    this.#response = response;
    this.#sends = sends;
  }

  get status(): number | undefined {
    return this.#response.headersSent ? this.#response.statusCode : undefined;
  }

  get isAnswered(): boolean {
    return this.#response.writableFinished;
  }

  get closed(): boolean {
    return this.#response.destroyed || this.#connection.socket.destroyed;
  }

  trailers(): readonly string[] {
    return this.#request.rawTrailers;
  }

  onClosed(callback: () => void): void {
    if (this.#onClosed.push(callback) > 1) return;
    // A response that is not the socket's yet does not hear of the socket's end.
    this.#response.on('close', this.#over);
    this.#connection.socket.on('close', this.#over);
  }

  inform(status: number, headers: readonly string[]): void {
    const { socket } = this.#connection;
    // HTTP/1.0 has none (RFC 9110, section 15.2).
    if (this.#response.headersSent || socket.destroyed || this.#request.httpVersion !== '1.1') return;
    let lines = '';
    try {
      for (const [name, value] of pairs(headers)) {
        validateHeaderValue(name, value);
        lines += `${name}: ${value}\r\n`;
      }
    } catch {
      // What cannot be written as it was read is left out; the answer itself follows.
      return;
    }
    // Node writes none but 103, and that with a link alone. It is this request's turn, so nothing else is under way.
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}\r\n`, 'latin1');
  }

  respond(status: number, headers: readonly string[]): boolean {
    const response = this.#response;
    if (response.headersSent || response.destroyed) return false;
    response.writeHead(status, forNode(headers, response, status));
    setImmediate(() => this.#connection.guard(() => this.#flushRest()));
    return true;
  }

  write(chunk: Buffer | string): boolean {
    if (!this.#isOut && this.#held === undefined && chunk.length <= SMALL) {
      this.#held = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      return true;
    }
    if (!this.#isOut) this.#flush();
    const isTaken = this.#response.write(chunk);
    this.#watch();
    return isTaken;
  }

  onDrain(callback: () => void): void {
    this.#response.on('drain', callback);
  }

  finish(trailers: readonly string[]): void {
    const response = this.#response;
    const held = this.#held;
    if (response.destroyed || response.writableEnded) return;
    if (trailers.length > 0) response.addTrailers(pairs(trailers));
    if (this.#isOut || held === undefined) response.end();
    else if (response.chunkedEncoding) response.end(held);
    else {
      // One string, and what Node would keep for a second one let go: a single write where there would be three pieces.
      response.write(held.toString('latin1'), 'latin1');
      response.socket?.uncork();
      response.end();
    }
    this.#watch();
  }

  giveUpBody(): void {
    this.#connection.explain('first_byte_timeout');
    // What follows on this connection cannot be told from the body that is missing.
    this.#response.shouldKeepAlive = false;
  }

  abort(reason: Extract<CloseReason, 'upstream' | 'error'>): void {
    this.#connection.close(reason);
  }

  /** Sends the head, with what is held. Node would keep it back until the body goes on. */
  #flush(): void {
    this.#isOut = true;
    if (this.#held === undefined) this.#response.flushHeaders();
    else this.#response.write(this.#held);
    this.#watch();
  }

  #flushRest(): void {
    if (!this.#isOut && !this.#response.writableEnded && !this.#response.destroyed) this.#flush();
  }

  #watch(): void {
    if (this.#connection.socket.writableLength > 0) this.#sends.watch(this.#connection);
  }

  readonly #over = (): void => {
    this.#response.removeListener('close', this.#over);
    this.#connection.socket.removeListener('close', this.#over);
    for (const callback of this.#onClosed) this.#connection.guard(callback);
  };
}

/**
 * The headers of an answer without what Node throws at, which would be at the cost of all other connections: it takes
 * `trailer` only with a body that it chunks, and a `content-disposition` after the length it reads as UTF-8.
 */
function forNode(headers: readonly string[], response: ServerResponse, status: number): string[] {
  const fields =
    headerValue(headers, 'trailer') === undefined || isChunked(headers, response, status)
      ? [...headers]
      : withoutNames(headers, ['trailer']);
  return headerValue(fields, 'content-disposition') === undefined ? fields : withFirst(fields, 'content-disposition');
}

/** Whether Node will chunk the body. */
function isChunked(headers: readonly string[], { req, useChunkedEncodingByDefault }: ServerResponse, status: number) {
  const hasBody = req.method !== 'HEAD' && status !== 204 && status !== 304;
  return hasBody && useChunkedEncodingByDefault && headerValue(headers, 'content-length') === undefined;
}

/** Why a request is refused, if it is. */
export function refuse(request: IncomingMessage, exchange: Exchange, maxHeaders: number): Refusal | undefined {
  const { rawHeaders } = request;
  if (rawHeaders.length / 2 > maxHeaders) return { status: 431, text: 'too many request header fields' };
  const version = request.httpVersion;
  if (version !== '1.1' && version !== '1.0') return { status: 400, text: 'bad HTTP version' };
  if (!validCodings(headerLines(rawHeaders, 'transfer-encoding'), version)) {
    return { status: 400, text: 'bad transfer coding' };
  }
  const { authority } = splitTarget(request.url ?? '/');
  const problem = hostProblem(headerLines(rawHeaders, 'host'), authority, version === '1.0');
  if (problem !== undefined) return { status: 400, text: problem };
  if (!validTarget(exchange.target)) return { status: 400, text: 'bad request target' };
  return undefined;
}

/**
 * Nothing but `chunked` alone: other codings would be lost on the way, and HTTP/1.0 knows none (RFC 9112, section 6.1).
 */
function validCodings(codings: readonly string[], version: string): boolean {
  return codings.length === 0 || (version === '1.1' && codings.length === 1 && /^chunked$/i.test(codings[0] ?? ''));
}

/** Whether a body follows the head. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0;
}

/** A target in absolute form (RFC 9112, section 3.2.2) carries the authority, and it wins over the host header. */
function splitTarget(url: string): { readonly target: string; readonly authority: string | undefined } {
  const absolute = /^https?:\/\/([^/?#]+)([^#]*)/i.exec(url);
  if (absolute === null) return { target: url, authority: undefined };
  const rest = absolute[2] ?? '';
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority: absolute[1] };
}

function pairs(flat: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) result.push([flat[index] ?? '', flat[index + 1] ?? '']);
  return result;
}
