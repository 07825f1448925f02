import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EventLog, type StoredEvent, tail } from '@pulseplane/event-log';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail, ok, type Result } from '../../command/index.ts';
import { sendAnswer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { withoutSecretValues } from '../hidden-values.ts';
import { STREAM_PAGE_SIZE } from '../limits.ts';
import { badRequest, expired, invalidParameter, type Status } from '../status.ts';
import type { Outgoing } from './open-stream.ts';
import type { Streams } from './streams.ts';
import { readNumber } from './watch-request.ts';

type Query = Readonly<Record<string, unknown>>;
type AskedEvents = { readonly from: number; readonly filter: (event: StoredEvent) => boolean };

const FILTERS = ['kind', 'namespace', 'name'] as const;

/** `GET /v1/events`: every event of the log from a sequence number on, as server-sent events. */
export function addEventStream(app: FastifyInstance, { log }: ApiOptions, streams: Streams): void {
  app.get('/v1/events', async (request, reply) => {
    const asked = readRequest(request, log);
    if (!asked.ok) return sendAnswer(request, reply, statusAnswer(asked.error));
    return streams.serve(request, reply, {
      contentType: 'text/event-stream',
      run: (out) => runEventStream(log, streams, out, asked.value),
      failure: (status) => `event: Status\ndata: ${JSON.stringify(status)}\n\n`,
    });
  });
}

function readRequest(request: FastifyRequest, log: EventLog): Result<AskedEvents, Status> {
  const query = request.query as Query;
  const head = log.head();
  const asked = readNumber(query, 'from');
  if (!asked.ok) return fail(badRequest(asked.error));
  if (asked.value === 0) return fail(invalidParameter('from', 0, 'must be at least 1, the number of the first event'));
  const seen = readNumber(request.headers, 'last-event-id');
  if (!seen.ok) return fail(badRequest(seen.error));
  // A browser that reconnects repeats its URL, so what it has already seen counts for more.
  const from = seen.value !== undefined ? seen.value + 1 : (asked.value ?? head + 1);
  const floor = log.floor();
  if (from < floor) return fail(expired(`event ${from} is gone: the log begins at ${floor}`));
  if (from > head + 1) return fail(expired(`event ${from} is not there yet: the log ends at ${head}`));
  const filter = readFilter(query);
  return filter.ok ? ok({ from, filter: filter.value }) : fail(badRequest(filter.error));
}

function readFilter(query: Query): Result<AskedEvents['filter'], string> {
  const wanted: [(typeof FILTERS)[number], string][] = [];
  for (const field of FILTERS) {
    const value = query[field];
    if (value === undefined) continue;
    if (typeof value !== 'string') return fail(`${field}: may be given once`);
    wanted.push([field, value]);
  }
  return ok(({ subject }) => wanted.every(([field, value]) => subject[field] === value));
}

async function runEventStream(
  log: EventLog,
  { reader, limits }: Streams,
  out: Outgoing,
  { from, filter }: AskedEvents,
): Promise<Status | undefined> {
  let next = from;
  // With the id of the last event looked at: a client whose filter matches little can then resume where it was.
  const heartbeat = setInterval(() => out.offer(`: heartbeat\nid: ${next - 1}\n\n`), limits.heartbeatMs);
  try {
    for await (const events of tail(reader, { from, pageSize: STREAM_PAGE_SIZE, signal: out.signal })) {
      if (log.floor() > next) return expired(`event ${next} is gone: the log begins at ${log.floor()}`);
      for (const event of events) {
        if (out.signal.aborted) return undefined;
        const written = filter(event) ? out.write(encode(event)) : undefined;
        next = event.seq + 1;
        await written;
      }
      if (events.length === STREAM_PAGE_SIZE) await nextTurn();
    }
    return undefined;
  } finally {
    clearInterval(heartbeat);
  }
}

function encode({ schemaVersion: _, ...event }: StoredEvent): string {
  const data = { ...event, object: withoutSecretValues(event.object) };
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
