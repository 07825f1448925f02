import { ERROR } from '../http2/protocol.ts';
import type { Http2Stream, StreamHandler } from '../http2/stream.ts';
import type { ResponseFollows } from '../upstream/http-client.ts';
import type { Exchange, Upgrade } from './exchange.ts';
import { headerValue, withoutNames } from './headers.ts';
import { Http2Body, Http2Tunnel } from './http2-body.ts';

/** One HTTP/2 stream as an exchange. A request without a body costs no object of node:stream. */
export class Http2Exchange implements Exchange, StreamHandler {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: readonly string[];
  readonly upgrade: Upgrade | undefined;
  readonly peerAddress: string;
  readonly #stream: Http2Stream;
  readonly #hasBody: boolean;
  #body: Http2Body | undefined;
  readonly #tunnel: Http2Tunnel | undefined;
  #trailers: readonly string[] = [];
  #onDrain: (() => void) | undefined;
  readonly #onClosed: (() => void)[] = [];

  constructor(stream: Http2Stream, peerAddress: string) {
    const { method, path, authority, headers } = stream.request;
    // An upgrade as HTTP/2 has it (RFC 8441): routed as the GET that it is over HTTP/1.1.
    const protocol = stream.request.protocol?.toLowerCase();
    this.#stream = stream;
    this.method = protocol === undefined ? method : 'GET';
    this.target = path ?? '';
    this.authority = authority ?? headerValue(headers, 'host') ?? '';
    this.headers = headers;
    this.peerAddress = peerAddress;
    this.#hasBody = !stream.peerEnded && protocol === undefined;
    if (protocol !== undefined) {
      const tunnel = new Http2Tunnel(stream);
      this.#tunnel = tunnel;
      this.upgrade = {
        protocol,
        accept: (_chosen, list) =>
          stream.respond(200, withoutNames(list, ['sec-websocket-accept']), false) ? tunnel : undefined,
      };
    }
    stream.handler = this;
    if (headerValue(headers, 'expect')?.toLowerCase() === '100-continue') stream.inform(100, []);
  }

  get body(): Http2Body | undefined {
    if (this.#hasBody) this.#body ??= new Http2Body(this.#stream);
    return this.#body;
  }

  get #reader(): Http2Body | Http2Tunnel | undefined {
    return this.#body ?? this.#tunnel;
  }

  get status(): number | undefined {
    return this.#stream.status;
  }

  get isAnswered(): boolean {
    return this.#stream.isAnswered;
  }

  get closed(): boolean {
    return this.#stream.isOver;
  }

  trailers(): readonly string[] {
    return this.#trailers;
  }

  onClosed(callback: () => void): void {
    this.#onClosed.push(callback);
  }

  inform(status: number, headers: readonly string[]): void {
    this.#stream.inform(status, headers);
  }

  respond(status: number, headers: readonly string[], follows: ResponseFollows): boolean {
    // Of an upgrade it would say that the backend has taken it.
    const isRefused = this.upgrade !== undefined && status < 300;
    return this.#stream.respond(isRefused ? 502 : status, headers, follows === 'nothing');
  }

  write(chunk: Buffer | string): boolean {
    return this.#stream.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  }

  onDrain(callback: () => void): void {
    this.#onDrain = callback;
  }

  finish(trailers: readonly string[]): void {
    this.#stream.end(trailers);
  }

  /** The stream's end says it; the session goes on. */
  giveUpBody(): void {}

  abort(): void {
    this.#stream.reset(ERROR.INTERNAL_ERROR);
  }

  onData(piece: Buffer): void {
    const reader = this.#reader;
    if (reader === undefined) this.#stream.consumed(piece.length);
    else reader.receive(piece);
  }

  onEnd(trailers: readonly string[]): void {
    this.#trailers = trailers;
    this.#reader?.finish();
  }

  onRoom(): void {
    this.#onDrain?.();
    this.#tunnel?.drained();
  }

  onClose(): void {
    // One whose last bytes wait to be read ends by itself.
    const isWhole = this.#stream.peerEnded && this.#stream.isAnswered;
    if (!isWhole) this.#reader?.destroy();
    for (const callback of this.#onClosed) callback();
  }
}
