import type { Duplex } from 'node:stream';
import type { LostRequest, ResponseFollows, UpstreamCall, UpstreamHandler, UpstreamRequest } from './http-client.ts';

/** RFC 9110, section 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * Sends a request, and once more on a connection of its own when its pooled connection turns out to be dead: one that
 * did not go out whatever it is, one that the backend has not looked at if it has no body, else only an idempotent one
 * without a body of which no byte was answered (RFC 9110, section 9.2.2).
 *
 * @param send `fresh`: not over a pooled connection
 */
export function sendWithRetry(
  request: Pick<UpstreamRequest, 'method' | 'body'>,
  handler: UpstreamHandler,
  send: (fresh: boolean, handler: UpstreamHandler) => void,
  onRetry: () => void,
): void {
  const again = () => {
    onRetry();
    send(true, handler);
  };
  send(false, new FirstAttempt(request, handler, again));
}

/** Passes everything on but a loss after which the request may be sent again. */
class FirstAttempt implements UpstreamHandler, UpstreamCall {
  readonly #request: Pick<UpstreamRequest, 'method' | 'body'>;
  readonly #handler: UpstreamHandler;
  readonly #again: () => void;
  #call: UpstreamCall | undefined;
  #isAnswered = false;
  #isGivenUp = false;

  constructor(request: Pick<UpstreamRequest, 'method' | 'body'>, handler: UpstreamHandler, again: () => void) {
    this.#request = request;
    this.#handler = handler;
    this.#again = again;
  }

  resume(): void {
    this.#call?.resume();
  }

  abort(error: Error): void {
    this.#isGivenUp = true;
    this.#call?.abort(error);
  }

  onStart(call: UpstreamCall): void {
    this.#call = call;
    this.#handler.onStart(this);
  }

  onInterim(status: number, headers: readonly string[]): void {
    this.#isAnswered = true;
    this.#handler.onInterim(status, headers);
  }

  onHead(status: number, headers: readonly string[], follows: ResponseFollows): void {
    this.#isAnswered = true;
    this.#handler.onHead(status, headers, follows);
  }

  onUpgrade(protocol: string, headers: readonly string[], stream: Duplex): void {
    this.#isAnswered = true;
    this.#handler.onUpgrade(protocol, headers, stream);
  }

  onData(chunk: Buffer): boolean {
    return this.#handler.onData(chunk);
  }

  onEnd(trailers: readonly string[]): void {
    this.#handler.onEnd(trailers);
  }

  onError(error: Error, lost?: LostRequest): void {
    if (this.#isAnswered || this.#isGivenUp || !this.#isRepeatable(lost)) this.#handler.onError(error, lost);
    else this.#again();
  }

  #isRepeatable(lost: LostRequest | undefined): boolean {
    if (lost === 'unsent') return true;
    if (lost === undefined || this.#request.body !== undefined) return false;
    return lost === 'unprocessed' || IDEMPOTENT.has(this.#request.method);
  }
}
