import { type JsonObject, qualifiedResource, type ResourceKind, type StoredObject } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { refOf } from '../../command/index.ts';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { present } from '../present.ts';
import { type PathParams, readSelectors } from '../read-handlers.ts';
import { listAnswer, objectAnswer } from '../shape.ts';
import { badRequest, methodNotAllowed, notFound } from '../status.ts';

/** GET of one object of the view. */
export function getViewed(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const { namespace = '', name = '' } = request.params as PathParams;
  const stored = options.clusterView.object(refOf(kind, namespace, name));
  if (stored === undefined) return statusAnswer(notFound(kind, name));
  return objectAnswer(options, kind, request, shown(kind, stored));
}

/** GET of the objects of a kind of the view, in one namespace or in all. */
export function listViewed(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const selector = readSelectors(request.query as Readonly<Record<string, unknown>>);
  if (!selector.ok) return statusAnswer(badRequest(selector.error));
  const { clusterView } = options;
  const { namespace } = request.params as PathParams;
  const resourceVersion = String(clusterView.version());
  const items = clusterView
    .objects(kind, namespace)
    .filter(selector.value)
    .map((stored) => shown(kind, stored));
  return listAnswer(options, kind, request, items, { resourceVersion });
}

/** Every other method: what is connected is not made by writing it. */
export function refuseWrite(_options: ApiOptions, kind: ResourceKind): Answer {
  const message = `${qualifiedResource(kind)} are read-only: they show the workers that are connected`;
  return statusAnswer(methodNotAllowed(message));
}

function shown(kind: ResourceKind, stored: StoredObject): JsonObject {
  return present(kind, stored, ({ object }) => object.status);
}
