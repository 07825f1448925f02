import { StorageFault } from '@pulseplane/event-log';
import { apiVersionOf, type JsonObject, type ResourceKind, type StoredObject } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { fail, type Intent, ok, type Result } from '../command/index.ts';
import { type Answer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { MAX_DELETED } from './limits.ts';
import { continueToken, type ListRequest, readListRequest, takePage } from './list-request.ts';
import { present } from './present.ts';
import { type PathParams, readSelectors } from './read-handlers.ts';
import { optionsBody } from './request-body.ts';
import type { Selector } from './selectors.ts';
import { badRequest, IDEMPOTENCY_KEY, invalidParameter, notFound, type Status } from './status.ts';
import { run, toStatus } from './write.ts';
import { readDeleteOptions } from './write-options.ts';

type Query = Readonly<Record<string, unknown>>;
type Asked = Pick<ListRequest, 'limit' | 'after'> & { readonly selects: Selector; readonly dryRun: boolean };

/**
 * DELETE of a collection: each selected object by a command and event of its own, all of one request. Answers with
 * those that are gone or on their way out, as they were. More than can be deleted at once are refused, unless the client
 * set a limit.
 */
export async function deleteCollection(
  options: ApiOptions,
  kind: ResourceKind,
  request: FastifyRequest,
): Promise<Answer> {
  const asked = readRequest(kind, request);
  if (!asked.ok) return statusAnswer(asked.error);
  const { limit = MAX_DELETED, after, selects, dryRun } = asked.value;
  const { namespace } = request.params as PathParams;
  const filter = {
    group: kind.group,
    kind: kind.kind,
    ...(namespace !== undefined && { namespace }),
    ...(after !== undefined && { after }),
  };
  const page = takePage(options.log.each(filter), selects, limit);
  if (page.more && asked.value.limit === undefined) {
    const rule = `more than ${MAX_DELETED} objects are selected; delete them in parts, with limit=${MAX_DELETED}`;
    return statusAnswer(invalidParameter('limit', 0, rule));
  }
  // Shown before the first is gone: the status of one may follow from another.
  const shown = page.items.map((stored) => ({ stored, object: present(kind, stored, options.statusOf) }));
  let items: JsonObject[] = [];
  // A dry run first: where one may not go, none does.
  for (const isDry of dryRun ? [true] : [true, false]) {
    items = [];
    for (const { stored, object } of shown) {
      const isFirst = isDry || items.length === 0;
      const gone = await deleteListed(options, kind, request, { stored, selects, dryRun: isDry, isFirst });
      if (!gone.ok) return statusAnswer(gone.error);
      if (gone.value) items.push(object);
    }
  }
  const last = page.more ? page.items.at(-1) : undefined;
  const resourceVersion = options.log.head();
  const metadata = {
    resourceVersion: String(resourceVersion),
    continue: last === undefined ? '' : continueToken(resourceVersion, last.ref),
  };
  return { code: 200, body: { apiVersion: apiVersionOf(kind), kind: `${kind.kind}List`, metadata, items } };
}

/** Deletes an object if it is still the one that was selected. False: it is not. */
async function deleteListed(
  options: ApiOptions,
  kind: ResourceKind,
  request: FastifyRequest,
  listed: {
    readonly stored: StoredObject;
    readonly selects: Selector;
    readonly dryRun: boolean;
    readonly isFirst: boolean;
  },
): Promise<Result<boolean, Status>> {
  const { stored, selects, dryRun, isFirst } = listed;
  const { ref, object } = stored;
  const intent: Intent<Status> = {
    ref,
    command: (current) =>
      current !== undefined && current.object.metadata.uid === object.metadata.uid && selects(current)
        ? ok({ type: 'delete', kind, ref, preconditions: {} })
        : fail(notFound(kind, ref.name)),
  };
  try {
    const outcome = await run(options, request, intent, { dryRun });
    if (outcome.ok) return ok(true);
    const status = toStatus(outcome.error);
    return status.code === 404 ? ok(false) : fail(status);
  } catch (error) {
    if (isFirst || !(error instanceof StorageFault)) throw error;
    // Some are deleted already, so it would be untrue that nothing was changed.
    throw new StorageFault(error.kind, error.message, error, 'unknown');
  }
}

function readRequest(kind: ResourceKind, request: FastifyRequest): Result<Asked, Status> {
  const key = request.headers['idempotency-key'];
  if (key !== undefined) {
    const rule = 'is for a single change; what a collection has left can be deleted again without it';
    return fail(invalidParameter(IDEMPOTENCY_KEY, String(key), rule));
  }
  const query = request.query as Query;
  const selects = readSelectors(query, kind);
  if (!selects.ok) return fail(badRequest(selects.error));
  // What is there now is deleted, whatever version the client saw.
  const list = readListRequest({ limit: query['limit'], continue: query['continue'] });
  if (!list.ok) return list;
  const { limit, after } = list.value;
  if (limit !== undefined && limit > MAX_DELETED) {
    return fail(invalidParameter('limit', limit, `must be at most ${MAX_DELETED} for a deletion`));
  }
  const body = optionsBody(request);
  if (!body.ok) return body;
  const deleting = readDeleteOptions(query, body.value);
  if (!deleting.ok) return deleting;
  const { dryRun, preconditions } = deleting.value;
  for (const field of ['uid', 'resourceVersion'] as const) {
    const value = preconditions[field];
    if (value === undefined) continue;
    return fail(invalidParameter(`preconditions.${field}`, value, 'is for one object, not for a collection'));
  }
  return ok({ limit, after, selects: selects.value, dryRun });
}
