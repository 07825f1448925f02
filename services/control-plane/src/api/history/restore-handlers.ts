import {
  contentOf,
  isJsonObject,
  type JsonObject,
  type ResourceKind,
  type StoredObject,
  validateObject,
} from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { type Command, fail, type Intent, ok, type Result, refOf } from '../../command/index.ts';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import type { PathParams } from '../read-handlers.ts';
import { optionsBody } from '../request-body.ts';
import { requireOpen } from '../sealed-secret.ts';
import { badRequest, invalid, invalidParameter, notFound, type Status } from '../status.ts';
import { answerWrite, run } from '../write.ts';
import { readWriteOptions } from '../write-options.ts';
import { readPoint } from './point.ts';

type Query = Readonly<Record<string, unknown>>;

/** What a rollback asks for. */
type RollbackRequest = { readonly to: string; readonly resourceVersion?: string };

const ROLLBACK_FIELDS: readonly string[] = ['to', 'resourceVersion'];

/** POST .../rollback: the spec that the object had at a point in time, as a new version. */
export async function rollbackObject(
  options: ApiOptions,
  kind: ResourceKind,
  request: FastifyRequest,
): Promise<Answer> {
  const { namespace = '', name = '' } = request.params as PathParams;
  const writing = readWriteOptions(request);
  if (!writing.ok) return statusAnswer(writing.error);
  const asked = readRollback(request);
  if (!asked.ok) return statusAnswer(asked.error);
  const { to, ...preconditions } = asked.value;
  const { log, now } = options;
  const ref = refOf(kind, namespace, name);
  const intent: Intent<Status> = {
    ref,
    command: (current): Result<Command, Status> => {
      if (current === undefined) return fail(notFound(kind, name));
      const point = readPoint(log, 'to', to, now(), ref);
      if (!point.ok) return point;
      const source = log.objectAt(ref, point.value);
      if (source === undefined) return fail(neverWas(kind, name, point.value));
      return stillValid(kind, source, current) ?? ok({ type: 'rollback', kind, source, preconditions });
    },
  };
  return answerWrite(options, kind, 200, [], await run(options, request, intent, writing.value));
}

/** POST .../undelete: the object as it was when it was last deleted, as a new object of the same name. */
export async function undeleteObject(
  options: ApiOptions,
  kind: ResourceKind,
  request: FastifyRequest,
): Promise<Answer> {
  const { namespace = '', name = '' } = request.params as PathParams;
  const writing = readWriteOptions(request);
  if (!writing.ok) return statusAnswer(writing.error);
  const body = optionsBody(request);
  if (!body.ok) return statusAnswer(body.error);
  if (isJsonObject(body.value ?? {}) === false || Object.keys(body.value ?? {}).length > 0) {
    return statusAnswer(badRequest('an undeletion takes no body'));
  }
  const { log } = options;
  const ref = refOf(kind, namespace, name);
  const intent: Intent<Status> = {
    ref,
    command: (current): Result<Command, Status> => {
      const [last] = log.history(ref, { before: log.head() + 1, limit: 1 });
      if (last === undefined) return fail(notFound(kind, name));
      const source: StoredObject = { ref, version: last.seq, changedAt: last.time, object: last.object };
      // One that exists is refused by the decision, whatever its rules are by now.
      const refusal = current === undefined ? stillValid(kind, source) : undefined;
      return refusal ?? ok({ type: 'undelete', kind, source });
    },
  };
  return answerWrite(options, kind, 201, [], await run(options, request, intent, writing.value));
}

/** Rules may have become stricter since: what they refuse today, also as a change, does not come back. */
function stillValid(
  kind: ResourceKind,
  source: StoredObject,
  current?: StoredObject,
): Result<never, Status> | undefined {
  requireOpen(source);
  const { object } = source;
  const { apiVersion, kind: kindName, metadata } = object;
  const { labels, annotations } = metadata;
  const written: JsonObject = {
    apiVersion,
    kind: kindName,
    metadata: {
      name: metadata.name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
    },
    ...contentOf(object),
  };
  const { errors } = validateObject(kind, written, current?.object);
  return errors.length === 0 ? undefined : fail(invalid(kind, metadata.name, errors));
}

function neverWas(kind: ResourceKind, name: string, seq: number): Status {
  const status = notFound(kind, name);
  return { ...status, message: `${status.message ?? ''} at ${seq}: there is no version to go back to` };
}

/** `to` in the body or in the query, as a number or a time. */
function readRollback(request: FastifyRequest): Result<RollbackRequest, Status> {
  const body = optionsBody(request);
  if (!body.ok) return body;
  const fields = body.value ?? {};
  if (!isJsonObject(fields)) return fail(badRequest('the body must be an object'));
  const unknown = Object.keys(fields).find((field) => !ROLLBACK_FIELDS.includes(field));
  if (unknown !== undefined) return fail(invalidParameter(unknown, fields[unknown] ?? null, 'is not a known field'));
  const query = (request.query as Query)['to'];
  const to = fields['to'] ?? (typeof query === 'string' ? query : undefined);
  if (typeof to !== 'string' && typeof to !== 'number') {
    return fail(invalidParameter('to', to ?? null, 'must be a sequence number or a time in RFC 3339'));
  }
  if (query !== undefined && query !== String(to)) {
    return fail(invalidParameter('to', String(query), `must be the body's to, ${to}`));
  }
  const { resourceVersion } = fields;
  if (resourceVersion === undefined || resourceVersion === null) return ok({ to: String(to) });
  if (typeof resourceVersion !== 'string') {
    return fail(invalidParameter('resourceVersion', resourceVersion, 'must be a string'));
  }
  return ok({ to: String(to), resourceVersion });
}
