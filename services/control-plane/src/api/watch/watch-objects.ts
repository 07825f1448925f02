import { setImmediate as nextTurn } from 'node:timers/promises';
import { tail } from '@pulseplane/event-log';
import type { ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { STREAM_PAGE_SIZE } from '../limits.ts';
import { type PathParams, readSelectors } from '../read-handlers.ts';
import { readShape } from '../shape.ts';
import { badRequest, expired, type Status } from '../status.ts';
import { type Selection, toChange } from './changes.ts';
import type { Outgoing } from './open-stream.ts';
import { PendingStatuses } from './pending-statuses.ts';
import type { LogReader } from './shared-reads.ts';
import type { StreamLimits } from './stream-limits.ts';
import type { EndlessAnswer, Streams } from './streams.ts';
import { createWatchEncoder, encodeWatchError, type WatchEncoder } from './watch-encoder.ts';
import { readWatchRequest, type WatchRequest } from './watch-request.ts';

type Query = Readonly<Record<string, unknown>>;

type Watch = {
  readonly log: ApiOptions['log'];
  readonly reader: LogReader;
  readonly selection: Selection;
  readonly asked: WatchRequest;
  readonly encoder: WatchEncoder;
  readonly limits: StreamLimits;
  readonly statusChanges: ApiOptions['statusChanges'];
};

/**
 * GET of a list with `watch=true`: the log, translated for one kind and selection, and each object whose status has
 * become another without an event of its own (a worker answers, another object changes) as MODIFIED, at the version
 * that it has.
 */
export function watchObjects(
  options: ApiOptions,
  kind: ResourceKind,
  request: FastifyRequest,
  { reader, limits }: Pick<Streams, 'reader' | 'limits'>,
): Answer | EndlessAnswer {
  const query = request.query as Query;
  const asked = readWatchRequest(query);
  if (!asked.ok) return statusAnswer(asked.error);
  const selects = readSelectors(query, kind);
  if (!selects.ok) return statusAnswer(badRequest(selects.error));
  const { namespace } = request.params as PathParams;
  const { log, statusOf, statusChanges, now } = options;
  const shape = readShape(request);
  if (!shape.ok) return statusAnswer(shape.error);
  const watch: Watch = {
    log,
    reader,
    selection: {
      kind,
      ...(namespace !== undefined && { namespace }),
      selects: selects.value,
      mayChange: (query['labelSelector'] ?? '') !== '' || selectsContent(kind, query),
    },
    asked: asked.value,
    encoder: createWatchEncoder({ kind, statusOf, now, shape: shape.value }),
    limits,
    statusChanges,
  };
  return { contentType: 'application/json', run: (out) => runWatch(watch, out), failure: encodeWatchError };
}

/** Whether a field selector may name what can change. */
function selectsContent({ selectableFields }: ResourceKind, { fieldSelector = '' }: Query): boolean {
  return selectableFields !== undefined && fieldSelector !== '';
}

async function runWatch(watch: Watch, out: Outgoing): Promise<Status | undefined> {
  const { asked, limits, selection, statusChanges } = watch;
  const longest = limits.maxWatchSeconds;
  const seconds = Math.min(asked.timeoutSeconds ?? longest * (0.5 + Math.random() / 2), longest);
  const timer = setTimeout(() => out.stop(), seconds * 1_000);
  // Before anything is told: what changes from here on may be told with its former status.
  const pending = new PendingStatuses(
    statusChanges,
    selection,
    asked.start.from === 'version' ? asked.start.version : undefined,
  );
  try {
    const begun = await begin(watch, out);
    if (typeof begun !== 'number') return begun;
    const position = { told: begun };
    const [ended] = await Promise.all([
      follow(watch, out, position).finally(() => pending.close()),
      tellStatuses(watch, out, position, pending),
    ]);
    return ended;
  } finally {
    clearTimeout(timer);
    pending.close();
  }
}

/** Up to which event of the log a watch has told everything. */
type Position = { told: number };

/** Sends the objects whose status has changed, until there are no more to come. */
async function tellStatuses(
  { log, selection, encoder }: Watch,
  out: Outgoing,
  position: Position,
  pending: PendingStatuses,
): Promise<void> {
  for (let ref = await pending.next(); ref !== undefined; ref = await pending.next()) {
    const stored = log.object(ref);
    // What the log has of it that is not told yet is told with the status of that moment.
    if (stored === undefined || stored.version > position.told || !selection.selects(stored)) continue;
    await out.write(encoder.change({ type: 'MODIFIED', stored }));
  }
}

/** Checks where to begin, sends the present objects if they are wanted, and gives the last sequence number told. */
async function begin({ log, selection, asked, encoder }: Watch, out: Outgoing): Promise<number | Status> {
  const head = log.head();
  const { start } = asked;
  if (start.from === 'now') return head;
  const wanted = start.from === 'version' ? start.version : start.notOlderThan;
  // A version from the future is one of another log; Kubernetes lets such clients wait, and they wait for ever.
  if (wanted > head) return expired(`too large resource version: ${wanted}, current: ${head}`);
  if (start.from === 'version') return wanted < log.floor() - 1 ? tooOld(wanted, log.floor()) : wanted;
  const { kind, namespace, selects } = selection;
  const filter = { group: kind.group, kind: kind.kind, ...(namespace !== undefined && { namespace }) };
  let count = 0;
  // Read in the same turn as the head, so that what comes after it is exactly what these objects lack.
  for (const stored of log.objects(filter).filter(selects)) {
    if (out.signal.aborted) return head;
    await out.write(encoder.change({ type: 'ADDED', stored }));
    count += 1;
    if (count % STREAM_PAGE_SIZE === 0) await nextTurn();
  }
  if (asked.endsInitialEvents && asked.bookmarks && !out.signal.aborted) {
    await out.write(encoder.bookmark(head, { initialEventsEnd: true }));
  }
  return head;
}

/** Sends what happened after an event, for ever. */
async function follow(
  { log, reader, selection, asked, encoder, limits }: Watch,
  out: Outgoing,
  position: Position,
): Promise<Status | undefined> {
  const bookmarks = asked.bookmarks
    ? setInterval(() => out.offer(encoder.bookmark(position.told)), limits.bookmarkMs)
    : undefined;
  try {
    const { signal } = out;
    for await (const events of tail(reader, { from: position.told + 1, pageSize: STREAM_PAGE_SIZE, signal })) {
      // Compacted before this client came to it: some of these events may be missing.
      if (log.floor() > position.told + 1) return tooOld(position.told, log.floor());
      // All at once, because a compaction may take the states before these events away while the client reads.
      const changes = events.map((event) => ({ seq: event.seq, change: toChange(event, selection, log) }));
      for (const { seq, change } of changes) {
        if (out.signal.aborted) return undefined;
        const written = change === undefined ? undefined : out.write(encoder.change(change));
        // Before the client has drained it: a bookmark can only follow what is already in its stream.
        position.told = seq;
        await written;
      }
      // A client that keeps up through a long past must not keep the server from its other work.
      if (events.length === STREAM_PAGE_SIZE) await nextTurn();
    }
    return undefined;
  } finally {
    clearInterval(bookmarks);
  }
}

function tooOld(version: number, floor: number): Status {
  return expired(`too old resource version: ${version} (${floor - 1})`);
}
