import { RESOURCE_KINDS, type ResourceKind } from '@pulseplane/resources';
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import { acceptsText } from './accept.ts';
import { type Answer, sendAnswer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { POD, refusedSubresources, VIEW_KINDS } from './cluster-view/kinds.ts';
import { podLog } from './cluster-view/pod-log.ts';
import { getViewed, listViewed, refuseSubresource, refuseWrite } from './cluster-view/view-handlers.ts';
import { watchView } from './cluster-view/watch-view.ts';
import { deleteCollection } from './delete-collection.ts';
import { verbsOf } from './discovery.ts';
import { historySubresources } from './history/subresources.ts';
import { collectionPath, everywherePath } from './paths.ts';
import { getObject, listObjects } from './read-handlers.ts';
import { REVIEW_KINDS } from './reviews/kinds.ts';
import { createReview } from './reviews/review-handler.ts';
import { badRequest, methodNotAllowed, notAcceptable } from './status.ts';
import { writeStatus } from './status-handlers.ts';
import type { EndlessAnswer, Streams } from './watch/streams.ts';
import { watchObjects } from './watch/watch-objects.ts';
import { listOptionsFault, wantsWatch } from './watch/watch-request.ts';
import { createObject, deleteObject, patchObject, replaceObject } from './write-handlers.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Handled = Answer | EndlessAnswer | Promise<Answer | EndlessAnswer>;
type Handler = (options: ApiOptions, kind: ResourceKind, request: FastifyRequest) => Handled;

const METHODS: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** The paths of every kind's objects. */
export function addResourceRoutes(app: FastifyInstance, options: ApiOptions, streams: Streams): void {
  const listOrWatch = either(listObjects, (kind, request) => watchObjects(options, kind, request, streams));
  for (const kind of RESOURCE_KINDS) {
    const collection = collectionPath(kind);
    const add = (path: string, handlers: Partial<Record<Method, Handler>>) =>
      addPath(app, streams, path, (method, request) => {
        const handler = handlers[method];
        if (handler === undefined || acceptsText(request.headers.accept)) return handler?.(options, kind, request);
        return statusAnswer(notAcceptable());
      });
    const deletesMany = verbsOf(kind).includes('deletecollection');
    add(collection, {
      GET: listOrWatch,
      POST: createObject,
      ...(deletesMany && { DELETE: deleteCollection }),
    });
    if (kind.namespaced) add(everywherePath(kind), { GET: listOrWatch });
    add(`${collection}/:name`, { GET: getObject, PUT: replaceObject, PATCH: patchObject, DELETE: deleteObject });
    if (kind.hasStatus) {
      add(`${collection}/:name/status`, { GET: getObject, PUT: writeStatus, PATCH: writeStatus });
    }
    for (const { name, handlers } of historySubresources(kind)) add(`${collection}/:name/${name}`, handlers);
  }
  addViewRoutes(app, options, streams);
  for (const kind of REVIEW_KINDS) {
    addPath(app, streams, collectionPath(kind), (method, request) =>
      method === 'POST' ? createReview(kind, request) : undefined,
    );
  }
}

/** The paths of what shows the connected workers. */
function addViewRoutes(app: FastifyInstance, options: ApiOptions, streams: Streams): void {
  for (const kind of VIEW_KINDS) {
    const read = (url: string, get: Handler) =>
      addPath(app, streams, url, (method, request) => (method === 'GET' ? get : refuseWrite)(options, kind, request));
    const listOrWatch = either(listViewed, (_kind, request) => watchView(options, kind, request, streams));
    read(collectionPath(kind), listOrWatch);
    read(everywherePath(kind), listOrWatch);
    read(`${collectionPath(kind)}/:name`, getViewed);
    for (const subresource of refusedSubresources(kind)) {
      addPath(app, streams, `${collectionPath(kind)}/:name/${subresource}`, () => refuseSubresource(kind, subresource));
    }
  }
  addPath(app, streams, `${collectionPath(POD)}/:name/log`, (method, request) =>
    method === 'GET' ? podLog(options, request, streams) : undefined,
  );
  addPath(app, streams, `${collectionPath(POD)}/:name/portforward`, (method) =>
    ['GET', 'POST'].includes(method) ? statusAnswer(badRequest('an upgrade of the connection is required')) : undefined,
  );
}

/** GET of a collection: a list, or with `watch` what happens to it. */
function either(list: Handler, watch: (kind: ResourceKind, request: FastifyRequest) => Handled): Handler {
  return (options, kind, request) => {
    const query = request.query as Record<string, unknown>;
    const fault = listOptionsFault(query);
    if (fault !== undefined) return statusAnswer(fault);
    return wantsWatch(query) ? watch(kind, request) : list(options, kind, request);
  };
}

/** A method that a path does not have is 405, not 404: the path is right. */
function addPath(
  app: FastifyInstance,
  streams: Streams,
  url: string,
  handle: (method: Method, request: FastifyRequest) => Handled | undefined,
): void {
  app.route({
    // All that the router knows, OPTIONS and TRACE too.
    method: app.supportedMethods as HTTPMethods[],
    url,
    handler: async (request, reply) => {
      const asked = METHODS.find((known) => known === (request.method === 'HEAD' ? 'GET' : request.method));
      const answer = asked === undefined ? undefined : await handle(asked, request);
      if (answer !== undefined && 'run' in answer) return streams.serve(request, reply, answer);
      return sendAnswer(request, reply, answer ?? statusAnswer(methodNotAllowed()));
    },
  });
}
