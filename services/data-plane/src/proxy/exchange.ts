import type { Readable, Writable } from 'node:stream';

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
  readonly peerAddress: string;
  /** Where the response body goes. */
  readonly sink: Writable;
  /** The client has gone. */
  readonly closed: boolean;
  /** Called when the exchange is over for whatever reason. */
  onClosed(callback: () => void): void;
  /** Sends the head. `trailers`: some may follow the body. False when the client has gone. */
  respond(status: number, headers: readonly string[], trailers: boolean): boolean;
  /** Ends the response, with trailers if the head promised some. */
  finish(trailers: readonly string[]): void;
  /** The rest of the body is no longer awaited: after the answer, no more of it is read. */
  giveUpBody(): void;
  /** Breaks the response off, so that the client sees that it is not whole. */
  abort(): void;
};

/** Answers with a line of plain text of our own. */
export function answer(exchange: Exchange, status: number, text: string): void {
  const body = `${text}\n`;
  const headers = ['content-type', 'text/plain; charset=utf-8', 'content-length', String(Buffer.byteLength(body))];
  if (!exchange.respond(status, headers, false)) return;
  if (exchange.method !== 'HEAD') exchange.sink.write(body);
  exchange.finish([]);
}
