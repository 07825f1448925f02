import type { Duplex, Readable } from 'node:stream';
import type { CloseReason } from '../connection/close-reason.ts';
import type { ResponseFollows } from '../upstream/http-client.ts';

/** A client that wants to speak another protocol from the answer on (RFC 9110, section 7.8; RFC 8441). */
export type Upgrade = {
  /** What it asks for, in lower case; several in order of preference. */
  readonly protocol: string;
  /**
   * Says yes, with the backend's headers.
   *
   * @returns the client's bytes from now on; undefined when it has gone
   */
  accept(protocol: string, headers: readonly string[]): Duplex | undefined;
};

/** One request and its response, however the client speaks. */
export type Exchange = {
  readonly method: string;
  /** Path and query, beginning with `/`; `*` for `OPTIONS *`. */
  readonly target: string;
  /** Host and port as the client wrote them. */
  readonly authority: string;
  /** Names and values in turn, as received, without HTTP/2's pseudo headers. */
  readonly headers: readonly string[];
  /** Undefined when the request has none. */
  readonly body: Readable | undefined;
  /** Names and values in turn, known when the body has ended. */
  trailers(): readonly string[];
  /** Undefined for most. A request that asks for one has no body. */
  readonly upgrade: Upgrade | undefined;
  readonly peerAddress: string;
  /** What was answered; undefined before. */
  readonly status: number | undefined;
  /** The answer has gone out to its end. */
  readonly isAnswered: boolean;
  /** The client has gone. */
  readonly closed: boolean;
  /** Called when the exchange is over for whatever reason. */
  onClosed(callback: () => void): void;
  /** Passes an interim answer on, where the client takes such. */
  inform(status: number, headers: readonly string[]): void;
  /**
   * Sends the head: together with what follows in this turn of the event loop, and without waiting for what does not.
   * False when the client has gone.
   */
  respond(status: number, headers: readonly string[], follows: ResponseFollows): boolean;
  /** Sends a piece of the response body. False: no more until the client has taken it. */
  write(chunk: Buffer | string): boolean;
  /** Called each time when the client has taken what `write` held back for. */
  onDrain(callback: () => void): void;
  /** Ends the response, with trailers if the head promised some. */
  finish(trailers: readonly string[]): void;
  /** The rest of the body is no longer awaited: after the answer, no more of it is read. */
  giveUpBody(): void;
  /**
   * Breaks the response off, so that the client sees that it is not whole.
   *
   * @param reason of the connection's end, if it ends with the exchange
   */
  abort(reason: Extract<CloseReason, 'upstream' | 'error'>): void;
};

/** What a client is told that asks for a tunnel to a place of its choice: there are routes, and only they lead anywhere. */
export const NO_CONNECT = ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE'] as const;

/** Ends an exchange that the worker itself has failed: with a 500, or where the answer has begun so that this shows. */
export function breakOff(exchange: Exchange): void {
  try {
    if (exchange.status === undefined) answer(exchange, 500, 'internal error');
    else if (!exchange.isAnswered) exchange.abort('error');
  } catch {
    exchange.abort('error');
  }
}

/** Answers with a line of plain text of our own. */
export function answer(exchange: Exchange, status: number, text: string, more: readonly string[] = []): void {
  const body = `${text}\n`;
  const headers = [
    'content-type',
    'text/plain; charset=utf-8',
    'content-length',
    String(Buffer.byteLength(body)),
    ...more,
  ];
  if (!exchange.respond(status, headers, 'body')) return;
  if (exchange.method !== 'HEAD') exchange.write(body);
  exchange.finish([]);
}
