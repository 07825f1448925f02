import type { LostRequest, UpstreamHandler, UpstreamRequest } from './http-client.ts';

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
  let isAnswered = false;
  let isGivenUp = false;
  const isRepeatable = (lost: LostRequest | undefined): boolean => {
    if (lost === 'unsent') return true;
    if (lost === undefined || request.body !== undefined) return false;
    return lost === 'unprocessed' || IDEMPOTENT.has(request.method);
  };
  const once: UpstreamHandler = {
    ...handler,
    onStart: (call) =>
      handler.onStart({
        ...call,
        abort(error) {
          isGivenUp = true;
          call.abort(error);
        },
      }),
    onInterim(...head) {
      isAnswered = true;
      handler.onInterim(...head);
    },
    onHead(...head) {
      isAnswered = true;
      handler.onHead(...head);
    },
    onUpgrade(...upgrade) {
      isAnswered = true;
      handler.onUpgrade(...upgrade);
    },
    onError(error, lost) {
      if (isAnswered || isGivenUp || !isRepeatable(lost)) return handler.onError(error, lost);
      onRetry();
      send(true, handler);
    },
  };
  send(false, once);
}
