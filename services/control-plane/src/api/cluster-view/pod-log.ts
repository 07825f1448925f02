import type { Duplex } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { refOf } from '../../command/index.ts';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import type { PathParams } from '../read-handlers.ts';
import { badRequest, notFound, workerUnreachable } from '../status.ts';
import type { Outgoing } from '../watch/open-stream.ts';
import type { EndlessAnswer, Streams } from '../watch/streams.ts';
import { POD } from './kinds.ts';
import { readLogRequest } from './log-request.ts';

type Query = Readonly<Record<string, unknown>>;

/** How long a stream that was opened may wait to be read. */
const RUN_WITHIN_MS = 5_000;

/** GET of a Pod's log: the newest lines of the worker, which it keeps itself. */
export async function podLog(
  options: ApiOptions,
  request: FastifyRequest,
  { limits }: Pick<Streams, 'limits'>,
): Promise<Answer | EndlessAnswer> {
  const { namespace = '', name = '' } = request.params as PathParams;
  const worker = options.clusterView.worker(refOf(POD, namespace, name));
  if (worker === undefined) return statusAnswer(notFound(POD, name));
  const asked = readLogRequest(request.query as Query, name, options.now());
  if (!asked.ok) return statusAnswer(badRequest(asked.error));
  const { query, limitBytes } = asked.value;
  const opened = await options.openToWorker(worker.node, { kind: 'log', query });
  if (opened.kind === 'refused') return statusAnswer(workerUnreachable(name, opened.reason));
  // It is not run for a HEAD, nor when too many streams are open.
  const unused = setTimeout(() => opened.stream.destroy(), RUN_WITHIN_MS);
  const run = async (out: Outgoing): Promise<undefined> => {
    clearTimeout(unused);
    const timer = setTimeout(() => out.stop(), limits.maxWatchSeconds * 1_000);
    try {
      await copy(opened.stream, out, limitBytes);
    } finally {
      clearTimeout(timer);
    }
  };
  return { contentType: 'text/plain; charset=utf-8', run, failure: ({ message = '' }) => `${message}\n` };
}

/** Copies until there is no more, the client is gone or the bytes are used up. */
async function copy(stream: Duplex, out: Outgoing, limitBytes: number): Promise<void> {
  let left = limitBytes;
  const stop = (): void => void stream.destroy();
  out.signal.addEventListener('abort', stop);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      await out.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) break;
    }
  } catch {
    // The worker is gone, or whom it was for; as on a cluster, the log just ends.
  } finally {
    out.signal.removeEventListener('abort', stop);
    stream.destroy();
  }
}
