import { apiVersionOf, type JsonObject, type ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { fail, ok, type Result, refOf } from '../command/index.ts';
import { prefersTable } from './accept.ts';
import { type Answer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { readMoment } from './history/moment.ts';
import { parseFieldSelector, parseLabelSelector, type Selector } from './selectors.ts';
import { badRequest, notFound } from './status.ts';
import { readIncludeObject, toTable } from './table.ts';

/** The parameters of a path; namespace is absent for cluster-scoped kinds and lists over all namespaces. */
export type PathParams = { readonly namespace?: string; readonly name?: string };

type Query = Readonly<Record<string, unknown>>;

/** GET of one object, or of its status, which is the same object; with `at`, as it was. */
export function getObject(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const { namespace = '', name = '' } = request.params as PathParams;
  const moment = readMoment(options, request.query as Query);
  if (!moment.ok) return statusAnswer(moment.error);
  const stored = moment.value.object(refOf(kind, namespace, name));
  if (stored === undefined) return statusAnswer(notFound(kind, name));
  const object = moment.value.present(kind, stored);
  return { code: 200, body: asTable(options, kind, request, [object], String(stored.version)) ?? object };
}

/** GET of the objects of a kind, in one namespace or in all; with `at`, as they were. */
export function listObjects(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const query = request.query as Query;
  const selector = readSelectors(query);
  if (!selector.ok) return statusAnswer(badRequest(selector.error));
  const moment = readMoment(options, query);
  if (!moment.ok) return statusAnswer(moment.error);
  const { namespace } = request.params as PathParams;
  const filter = { group: kind.group, kind: kind.kind, ...(namespace !== undefined && { namespace }) };
  const resourceVersion = String(moment.value.seq);
  const items = moment.value
    .objects(filter)
    .filter(selector.value)
    .map((stored) => moment.value.present(kind, stored));
  const table = asTable(options, kind, request, items, resourceVersion);
  const list = { apiVersion: apiVersionOf(kind), kind: `${kind.kind}List`, metadata: { resourceVersion }, items };
  return { code: 200, body: table ?? list };
}

/** Reads labelSelector and fieldSelector. */
export function readSelectors(query: Query): Result<Selector, string> {
  const { labelSelector = '', fieldSelector = '' } = query;
  if (typeof labelSelector !== 'string') return fail('labelSelector: may be given once');
  if (typeof fieldSelector !== 'string') return fail('fieldSelector: may be given once');
  const labels = parseLabelSelector(labelSelector);
  if (!labels.ok) return labels;
  const fields = parseFieldSelector(fieldSelector);
  return fields.ok ? ok((stored) => labels.value(stored) && fields.value(stored)) : fields;
}

function asTable(
  options: ApiOptions,
  kind: ResourceKind,
  request: FastifyRequest,
  objects: readonly JsonObject[],
  resourceVersion: string,
): JsonObject | undefined {
  if (!prefersTable(request.headers.accept)) return undefined;
  const include = readIncludeObject(request.query as Query);
  return toTable(kind, objects, { now: options.now(), include, resourceVersion });
}
