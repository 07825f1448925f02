import type { EventLog, StoredEvent } from '@pulseplane/event-log';
import { apiVersionOf, type JsonObject, type ObjectRef, type ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { fail, ok, type Result, refOf } from '../../command/index.ts';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import type { PathParams } from '../read-handlers.ts';
import { invalidParameter, notFound, type Status } from '../status.ts';
import { changeLine } from './json-diff.ts';
import { diffObjects, diffOfEvent } from './object-diff.ts';
import { readPoint } from './point.ts';

export const HISTORY_GROUP_VERSION = { group: 'pulseplane.dev', version: 'v1' };
export const HISTORY_API_VERSION = apiVersionOf(HISTORY_GROUP_VERSION);
export const DEFAULT_PAGE = 100;
export const MAX_PAGE = 500;

type Query = Readonly<Record<string, unknown>>;

/** GET .../history: what happened to all objects that ever had the name, newest first. */
export function getHistory({ log }: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const { ref, metadata } = subject(kind, request);
  const query = request.query as Query;
  const limit = readWhole(query, 'limit', DEFAULT_PAGE, MAX_PAGE);
  if (!limit.ok) return statusAnswer(limit.error);
  const before = readWhole(query, 'before', log.head() + 1, log.head() + 1);
  if (!before.ok) return statusAnswer(before.error);
  // One more than asked for: it says whether there are more, and what the last one changed.
  const events = log.history(ref, { before: before.value, limit: limit.value + 1 });
  if (events.length === 0 && !hasHistory(log, ref)) return statusAnswer(notFound(kind, ref.name));
  const page = events.slice(0, limit.value);
  const last = events.length > page.length ? page.at(-1) : undefined;
  return {
    code: 200,
    body: {
      kind: 'ObjectHistory',
      apiVersion: HISTORY_API_VERSION,
      metadata: {
        ...metadata,
        resourceVersion: String(log.head()),
        ...(last !== undefined && { continue: String(last.seq) }),
      },
      items: page.map((event, index) => historyItem(event, events[index + 1])),
    },
  };
}

/** GET .../diff: how the object differs between two points in time. */
export function getDiff({ log, now }: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const { ref, metadata } = subject(kind, request);
  const query = request.query as Query;
  const points: number[] = [];
  for (const field of ['from', 'to'] as const) {
    const value = query[field] ?? (field === 'to' ? String(log.head()) : '');
    if (typeof value !== 'string') return statusAnswer(invalidParameter(field, String(value), 'may be given once'));
    const point = readPoint(log, field, value, now(), ref);
    if (!point.ok) return statusAnswer(point.error);
    points.push(point.value);
  }
  const [from = 0, to = 0] = points;
  const [before, after] = [log.objectAt(ref, from), log.objectAt(ref, to)];
  if (before === undefined && after === undefined) return statusAnswer(notFound(kind, ref.name));
  const changes = diffObjects(before?.object, after?.object);
  const side = (seq: number, version: number | undefined): JsonObject => ({
    seq,
    exists: version !== undefined,
    ...(version !== undefined && { resourceVersion: String(version) }),
  });
  return {
    code: 200,
    body: {
      kind: 'ObjectDiff',
      apiVersion: HISTORY_API_VERSION,
      metadata,
      from: side(from, before?.version),
      to: side(to, after?.version),
      changes,
      text: changes.map(changeLine),
    },
  };
}

function historyItem(event: StoredEvent, previous: StoredEvent | undefined): JsonObject {
  const { seq, time, type, actor, requestId, correlationId, restoredFrom, object } = event;
  const { generation } = object.metadata;
  const diff = diffOfEvent(event, previous);
  return {
    seq,
    time,
    type,
    actor,
    requestId,
    correlationId,
    uid: event.subject.uid,
    ...(generation !== undefined && { generation }),
    ...(restoredFrom !== undefined && { restoredFrom }),
    ...(diff !== undefined && { diff: diff.map(changeLine) }),
  };
}

function hasHistory(log: EventLog, ref: ObjectRef): boolean {
  return log.history(ref, { before: log.head() + 1, limit: 1 }).length > 0;
}

function subject(
  kind: ResourceKind,
  request: FastifyRequest,
): { readonly ref: ObjectRef; readonly metadata: JsonObject } {
  const { namespace = '', name = '' } = request.params as PathParams;
  return { ref: refOf(kind, namespace, name), metadata: { name, ...(kind.namespaced && { namespace }) } };
}

function readWhole(query: Query, field: string, usual: number, highest: number): Result<number, Status> {
  const given = query[field];
  if (given === undefined) return ok(usual);
  if (typeof given === 'string' && /^[0-9]{1,15}$/.test(given)) {
    const value = Number(given);
    if (value >= 1 && value <= highest) return ok(value);
  }
  return fail(invalidParameter(field, String(given), `must be a whole number from 1 to ${highest}`));
}
