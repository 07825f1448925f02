import type { ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { fail, ok, type Result, refOf } from '../command/index.ts';
import { type Answer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { listMoment, type Moment, readMoment } from './history/moment.ts';
import { continueToken, type ListRequest, readListRequest, takePage } from './list-request.ts';
import { parseFieldSelector, parseLabelSelector, type Selector } from './selectors.ts';
import { listAnswer, objectAnswer } from './shape.ts';
import { badRequest, expired, notFound, type Status, tooLargeVersion } from './status.ts';

/** The parameters of a path; namespace is absent for cluster-scoped kinds and lists over all namespaces. */
export type PathParams = { readonly namespace?: string; readonly name?: string };

type Query = Readonly<Record<string, unknown>>;

/** GET of one object, or of its status, which is the same object; with `at`, as it was. */
export function getObject(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const { namespace = '', name = '' } = request.params as PathParams;
  const ref = refOf(kind, namespace, name);
  const moment = readMoment(options, request.query as Query, ref);
  if (!moment.ok) return statusAnswer(moment.error);
  const stored = moment.value.object(ref);
  if (stored === undefined) return statusAnswer(notFound(kind, name));
  return objectAnswer(options, kind, request, moment.value.present(kind, stored));
}

/** GET of the objects of a kind, in one namespace or in all; with `at`, as they were; with `limit`, in pages. */
export function listObjects(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const query = request.query as Query;
  const selector = readSelectors(query, kind);
  if (!selector.ok) return statusAnswer(badRequest(selector.error));
  const list = readListRequest(query);
  if (!list.ok) return statusAnswer(list.error);
  const moment = listedMoment(options, query, list.value);
  if (!moment.ok) return statusAnswer(moment.error);
  const { seq, objects, present } = moment.value;
  const { namespace } = request.params as PathParams;
  const { limit, after } = list.value;
  const filter = { group: kind.group, kind: kind.kind, ...(namespace !== undefined && { namespace }) };
  const page = takePage(objects(after === undefined ? filter : { ...filter, after }), selector.value, limit);
  const last = page.more ? page.items.at(-1) : undefined;
  const metadata = {
    resourceVersion: String(seq),
    ...(last !== undefined && { continue: continueToken(seq, last.ref) }),
  };
  const items = page.items.map((stored) => present(kind, stored));
  return listAnswer(options, kind, request, items, metadata);
}

/** The state that a list shows. A later page shows that of the first. */
function listedMoment(options: ApiOptions, query: Query, { seq, notOlderThan }: ListRequest): Result<Moment, Status> {
  const { log } = options;
  if (Math.max(seq ?? 0, notOlderThan) > log.head()) return fail(tooLargeVersion(seq ?? notOlderThan, log.head()));
  if (seq === undefined || query['at'] !== undefined) return readMoment(options, query);
  if (seq < log.floor() && seq !== log.head())
    return fail(expired(`The version ${seq} of the list is compacted away; begin a new list.`));
  return ok(listMoment(options, seq));
}

/** Reads labelSelector and fieldSelector. */
export function readSelectors(query: Query, kind: ResourceKind): Result<Selector, string> {
  const { labelSelector = '', fieldSelector = '' } = query;
  if (typeof labelSelector !== 'string') return fail('labelSelector: may be given once');
  if (typeof fieldSelector !== 'string') return fail('fieldSelector: may be given once');
  const labels = parseLabelSelector(labelSelector);
  if (!labels.ok) return labels;
  const fields = parseFieldSelector(fieldSelector, kind);
  return fields.ok ? ok((stored) => labels.value(stored) && fields.value(stored)) : fields;
}
