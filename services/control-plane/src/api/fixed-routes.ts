import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { prefersAggregatedDiscovery } from './accept.ts';
import { sendAnswer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import {
  AGGREGATED_TYPE,
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  GROUP_VERSIONS,
  GROUPS,
} from './discovery.ts';
import { type FixedDocument, fixedDocument, openApiDocuments, openApiIndex } from './openapi.ts';
import { basePath } from './paths.ts';
import { unknownPath } from './status.ts';

/** What kubectl expects of the empty document, for which it then asks nothing more of version 2. */
const OPENAPI_V2_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Of its type; the rest differs between clients. */
const OPENAPI_V2_MESSAGE = 'application/com.github.proto-openapi.spec.v2';
const NO_OPENAPI_V2 = 'this API is described in version 3 of OpenAPI alone: see /openapi/v3';

const TEXT_TYPE = 'text/plain; charset=utf-8';

/** The paths of objects, which discovery lists. */
const BELOW_GROUP_VERSION = /^\/(api|apis\/[^/]+)\/[^/]+\//;

/**
 * The Kubernetes version that the API resembles. Clients compare it with their own, and one build of kubectl
 * picks the client by it, so it cannot be Pulseplane's.
 */
const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: '',
};

/**
 * The paths of the API, health, discovery and OpenAPI: what does not depend on any object. `paths` may become more until
 * the first request.
 */
export function addFixedRoutes(app: FastifyInstance, { ready }: ApiOptions, paths: ReadonlySet<string>): void {
  app.get('/', (request, reply) => {
    const listed = [...paths].filter((path) => path !== '/' && !BELOW_GROUP_VERSION.test(path)).sort();
    return sendAnswer(request, reply, { code: 200, body: { paths: listed } });
  });
  app.get('/version', (request, reply) => sendAnswer(request, reply, { code: 200, body: VERSION }));
  for (const path of ['/healthz', '/livez']) app.get(path, (_request, reply) => reply.type(TEXT_TYPE).send('ok'));
  app.get('/readyz', (_request, reply) =>
    reply
      .code(ready() ? 200 : 503)
      .type(TEXT_TYPE)
      .send(ready() ? 'ok' : 'not ready'),
  );
  addDiscovery(app);
  addOpenApi(app);
}

function addDiscovery(app: FastifyInstance): void {
  for (const [path, groups, legacy] of [
    ['/api', [''], apiVersions()],
    ['/apis', GROUPS, apiGroupList()],
  ] as const) {
    const plain = fixedDocument(legacy);
    const aggregated = fixedDocument(aggregatedDiscovery(groups));
    app.get(path, (request, reply) => {
      reply.header('vary', 'Accept');
      return prefersAggregatedDiscovery(request.headers.accept)
        ? sendDocument(request, reply, aggregated, AGGREGATED_TYPE)
        : sendDocument(request, reply, plain);
    });
  }
  for (const group of GROUPS) addDocument(app, `/apis/${group}`, fixedDocument(apiGroup(group)));
  for (const entry of GROUP_VERSIONS) addDocument(app, basePath(entry), fixedDocument(apiResourceList(entry)));
}

function addOpenApi(app: FastifyInstance): void {
  const documents = openApiDocuments();
  addDocument(app, '/openapi/v3', openApiIndex(documents));
  for (const [path, document] of documents) addDocument(app, `/openapi/v3/${path}`, document);
  app.get('/openapi/v2', (request, reply) =>
    request.headers.accept?.includes(OPENAPI_V2_MESSAGE)
      ? reply.header('content-type', OPENAPI_V2_TYPE).send(Buffer.alloc(0))
      : sendAnswer(request, reply, statusAnswer(unknownPath(NO_OPENAPI_V2))),
  );
}

function addDocument(app: FastifyInstance, path: string, document: FixedDocument): void {
  app.get(path, (request, reply) => sendDocument(request, reply, document));
}

function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, hash }: FixedDocument,
  type = 'application/json',
): FastifyReply {
  const tag = `"${hash}"`;
  reply.header('etag', tag);
  if (request.headers['if-none-match'] === tag) return reply.code(304).send();
  return reply.header('content-type', type).send(Buffer.from(body));
}
