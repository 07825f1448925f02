import type { ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { type PathParams, readSelectors } from '../read-handlers.ts';
import { readShape } from '../shape.ts';
import { badRequest, expired, type Status } from '../status.ts';
import type { Outgoing } from '../watch/open-stream.ts';
import type { EndlessAnswer, Streams } from '../watch/streams.ts';
import { createWatchEncoder, encodeWatchError } from '../watch/watch-encoder.ts';
import { readWatchRequest } from '../watch/watch-request.ts';
import type { View } from './view.ts';
import { viewOf } from './view-handlers.ts';

type Query = Readonly<Record<string, unknown>>;

/** GET of a list of the view with `watch=true`. */
export function watchView(
  options: ApiOptions,
  kind: ResourceKind,
  request: FastifyRequest,
  { limits }: Pick<Streams, 'limits'>,
): Answer | EndlessAnswer {
  const query = request.query as Query;
  const view = viewOf(options, kind);
  const asked = readWatchRequest(query);
  if (!asked.ok) return statusAnswer(asked.error);
  const selects = readSelectors(query, kind);
  if (!selects.ok) return statusAnswer(badRequest(selects.error));
  const { namespace } = request.params as PathParams;
  const shape = readShape(request);
  if (!shape.ok) return statusAnswer(shape.error);
  const encoder = createWatchEncoder({
    kind,
    statusOf: ({ object }) => object.status,
    now: options.now,
    shape: shape.value,
  });
  const { start, bookmarks, endsInitialEvents, timeoutSeconds } = asked.value;

  const run = async (out: Outgoing): Promise<Status | undefined> => {
    const seconds = Math.min(timeoutSeconds ?? limits.maxWatchSeconds / 2, limits.maxWatchSeconds);
    const timer = setTimeout(() => out.stop(), seconds * 1_000);
    let told = start.from === 'version' ? start.version : view.version();
    const heartbeat = bookmarks ? setInterval(() => out.offer(encoder.bookmark(told)), limits.bookmarkMs) : undefined;
    try {
      if (start.from === 'present') {
        for (const stored of view.objects(kind, namespace).filter(selects.value)) {
          await out.write(encoder.change({ type: 'ADDED', stored }));
        }
        if (endsInitialEvents && bookmarks) await out.write(encoder.bookmark(told, { initialEventsEnd: true }));
      }
      while (!out.signal.aborted) {
        const changes = view.changesAfter(told);
        if (changes === undefined) return expired(`too old resource version: ${told} (${view.version()})`);
        told = changes.at(-1)?.stored.version ?? told;
        for (const { type, stored } of changes) {
          const { ref } = stored;
          if (ref.kind !== kind.kind || ref.namespace !== (namespace ?? ref.namespace)) continue;
          if (selects.value(stored)) await out.write(encoder.change({ type, stored }));
        }
        await nextChange(view, told, out.signal);
      }
      return undefined;
    } finally {
      clearTimeout(timer);
      clearInterval(heartbeat);
    }
  };
  return { contentType: 'application/json', run, failure: encodeWatchError };
}

/** Resolves when there is something after a version, or the signal is aborted. */
function nextChange(view: View, version: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = view.onChanges(done);
    signal.addEventListener('abort', done);
    if (signal.aborted || view.version() !== version) done();
  });
}
