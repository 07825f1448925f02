import { type JsonObject, qualifiedResource, type ResourceKind, type StoredObject } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { refOf } from '../../command/index.ts';
import { type Answer, statusAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { present } from '../present.ts';
import { type PathParams, readSelectors } from '../read-handlers.ts';
import { EVENT } from '../recorded-events/event-kind.ts';
import { listAnswer, objectAnswer } from '../shape.ts';
import { badRequest, methodNotAllowed, notFound } from '../status.ts';
import type { View } from './view.ts';

/** GET of one object of the view. */
export function getViewed(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const { namespace = '', name = '' } = request.params as PathParams;
  const stored = viewOf(options, kind).object(refOf(kind, namespace, name));
  if (stored === undefined) return statusAnswer(notFound(kind, name));
  return objectAnswer(options, kind, request, shown(kind, stored));
}

/** GET of the objects of a kind of the view, in one namespace or in all. */
export function listViewed(options: ApiOptions, kind: ResourceKind, request: FastifyRequest): Answer {
  const selector = readSelectors(request.query as Readonly<Record<string, unknown>>, kind);
  if (!selector.ok) return statusAnswer(badRequest(selector.error));
  const view = viewOf(options, kind);
  const { namespace } = request.params as PathParams;
  const resourceVersion = String(view.version());
  const items = view
    .objects(kind, namespace)
    .filter(selector.value)
    .map((stored) => shown(kind, stored));
  return listAnswer(options, kind, request, items, { resourceVersion });
}

/** What shows a kind's objects. */
export function viewOf({ clusterView, recordedEvents }: ApiOptions, kind: ResourceKind): View {
  return kind === EVENT ? recordedEvents : clusterView;
}

/** Every other method: what is connected, or happened, is not made by writing it. */
export function refuseWrite(_options: ApiOptions, kind: ResourceKind): Answer {
  return statusAnswer(methodNotAllowed(readOnly(kind)));
}

/** Every method of a path below an object that is there to say so: exec, scale and the like. */
export function refuseSubresource(kind: ResourceKind, subresource: string): Answer {
  return statusAnswer(methodNotAllowed(`${kind.plural}/${subresource} is not served: ${readOnly(kind)}`));
}

function readOnly(kind: ResourceKind): string {
  const shows = kind === EVENT ? 'what the control plane has seen' : 'the workers that are connected';
  return `${qualifiedResource(kind)} are read-only: they show ${shows}`;
}

function shown(kind: ResourceKind, stored: StoredObject): JsonObject {
  return present(kind, stored, ({ object }) => object.status);
}
