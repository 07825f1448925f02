import { StorageFault } from '@pulseplane/event-log';
import type { Logger } from '@pulseplane/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendAnswer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { SealedSecret } from '../sealed-secret.ts';
import { internalError, type Status, storageUnavailable, tooManyRequests } from '../status.ts';
import { OpenStream, type Outgoing } from './open-stream.ts';
import { type LogReader, shareReads } from './shared-reads.ts';
import { DEFAULT_STREAM_LIMITS, type StreamLimits } from './stream-limits.ts';

const RETRY_AFTER_SECONDS = 5;

/** An answer that goes on: lines of a watch, or server-sent events. */
export type EndlessAnswer = {
  readonly contentType: string;
  /** Writes until the signal is aborted; gives the reason when it ends by itself. */
  readonly run: (out: Outgoing) => Promise<Status | undefined>;
  /** How this answer words a failure after it has begun. */
  readonly failure: (status: Status) => string;
};

/** The streams that are open: their number is bounded, and they end when the server does. */
export class Streams {
  /** The log as the streams read it. */
  readonly reader: LogReader;
  readonly limits: StreamLimits;
  readonly #logger: Logger;
  readonly #open = new Map<OpenStream, { readonly client: string; readonly ended: Promise<void> }>();

  constructor({ log, logger, streamLimits }: ApiOptions) {
    this.reader = shareReads(log);
    this.limits = { ...DEFAULT_STREAM_LIMITS, ...streamLimits };
    this.#logger = logger;
  }

  /** Answers a request with a stream, or refuses it when there are too many. */
  serve(request: FastifyRequest, reply: FastifyReply, answer: EndlessAnswer): FastifyReply {
    const refusal = this.#refusal(request.ip);
    if (refusal !== undefined) {
      reply.header('retry-after', RETRY_AFTER_SECONDS);
      return sendAnswer(request, reply, statusAnswer(tooManyRequests(refusal, RETRY_AFTER_SECONDS)));
    }
    reply.header('content-type', answer.contentType);
    if (request.method === 'HEAD') return reply.send();
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.writeHead(200);
    reply.raw.flushHeaders();
    const stream = new OpenStream(reply.raw, this.limits);
    const ended = this.#run(request, stream, answer).finally(() => this.#open.delete(stream));
    this.#open.set(stream, { client: request.ip, ended });
    return reply;
  }

  /** Ends all streams, and resolves when they have ended. */
  async close(): Promise<void> {
    for (const stream of this.#open.keys()) stream.stop();
    await Promise.all([...this.#open.values()].map(({ ended }) => ended));
  }

  /** Why a client gets no stream. One that opens too many leaves some to others. */
  #refusal(client: string): string | undefined {
    const { maxStreams, maxStreamsOfClient } = this.limits;
    const what = 'too many open watches and event streams';
    if (this.#open.size >= maxStreams) return `${what} (${maxStreams}), please try again later`;
    const own = [...this.#open.values()].filter((stream) => stream.client === client).length;
    return own < maxStreamsOfClient ? undefined : `${what} of ${client} (${maxStreamsOfClient}), please close some`;
  }

  async #run(request: FastifyRequest, stream: OpenStream, answer: EndlessAnswer): Promise<void> {
    let failure: Status | undefined;
    try {
      failure = await answer.run(stream);
    } catch (error) {
      if (error instanceof SealedSecret) failure = error.status;
      else {
        this.#logger.error({ requestId: request.id, url: request.url, err: error }, 'a stream failed');
        failure = error instanceof StorageFault ? storageUnavailable(error) : internalError(request.id);
      }
    }
    if (stream.stalled) {
      failure = tooManyRequests(
        `the stream was closed: its client did not read for ${this.limits.stallMs / 1_000} s`,
        RETRY_AFTER_SECONDS,
      );
      this.#logger.warn({ requestId: request.id, url: request.url }, 'closed a stream whose client did not read');
    }
    await stream.end(failure === undefined ? '' : answer.failure(failure));
  }
}
