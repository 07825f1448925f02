import { RESOURCE_KINDS, type ResourceKind } from '@pulseplane/resources';
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import { type Answer, sendAnswer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { collectionPath, everywherePath } from './paths.ts';
import { getObject, listObjects } from './read-handlers.ts';
import { methodNotAllowed } from './status.ts';
import { createObject, deleteObject, patchObject, replaceObject } from './write-handlers.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Handler = (options: ApiOptions, kind: ResourceKind, request: FastifyRequest) => Answer | Promise<Answer>;

const METHODS: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** The paths of every kind's objects. */
export function addResourceRoutes(app: FastifyInstance, options: ApiOptions): void {
  for (const kind of RESOURCE_KINDS) {
    const collection = collectionPath(kind);
    const add = (path: string, handlers: Partial<Record<Method, Handler>>) =>
      addPath(app, path, (method, request) => handlers[method]?.(options, kind, request));
    add(collection, { GET: listObjects, POST: createObject });
    if (kind.namespaced) add(everywherePath(kind), { GET: listObjects });
    add(`${collection}/:name`, { GET: getObject, PUT: replaceObject, PATCH: patchObject, DELETE: deleteObject });
    if (kind.hasStatus) add(`${collection}/:name/status`, { GET: getObject });
  }
}

/** A method that a path does not have is 405, not 404: the path is right. */
function addPath(
  app: FastifyInstance,
  url: string,
  handle: (method: Method, request: FastifyRequest) => Answer | Promise<Answer> | undefined,
): void {
  const method: HTTPMethods[] = [...METHODS];
  app.route({
    method,
    url,
    handler: async (request, reply) => {
      const asked = METHODS.find((known) => known === (request.method === 'HEAD' ? 'GET' : request.method));
      const answer = asked === undefined ? undefined : await handle(asked, request);
      const refusal = methodNotAllowed('the server does not allow this method on the requested resource');
      return sendAnswer(request, reply, answer ?? statusAnswer(refusal));
    },
  });
}
