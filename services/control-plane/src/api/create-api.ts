import { StorageFault } from '@pulseplane/event-log';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { sendAnswer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { addFixedRoutes } from './fixed-routes.ts';
import { addFleet } from './fleet/fleet-handlers.ts';
import { BODY_LIMIT_BYTES, REQUEST_TIMEOUT_MS } from './limits.ts';
import { addLintReport } from './lint/lint-report.ts';
import { addPortForward } from './port-forward/upgrade.ts';
import { addPreview } from './preview/preview-handler.ts';
import { JSON_TYPE, YAML_TYPE } from './request-body.ts';
import { addResourceRoutes } from './resource-routes.ts';
import { SealedSecret } from './sealed-secret.ts';
import {
  acceptedMediaTypes,
  badRequest,
  internalError,
  methodNotAllowed,
  type Status,
  storageUnavailable,
  tooLarge,
  unknownPath,
} from './status.ts';
import { refuseUnread } from './unread-request.ts';
import { addEventStream } from './watch/event-stream.ts';
import { Streams } from './watch/streams.ts';
import { refuseForeign } from './web-safety.ts';

/** Names of objects are at most 253 characters; the router's own limit is 100. */
const MAX_PARAMETER_LENGTH = 1_024;

/** The Kubernetes-style REST API. It does not listen yet. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: requestTimeoutMs,
    http: {
      // How often Node looks whether a request has taken too long; by itself it looks every 30 s.
      connectionsCheckingInterval: requestTimeoutMs / 4,
      // Node would answer without a body; what comes without a Host is refused here, with the hosts that are not ours.
      requireHostHeader: false,
    },
    clientErrorHandler: refuseUnread,
    genReqId: () => options.newId(),
    requestIdHeader: false,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    // Routes have no schemas of the framework's kind; without compilers of our own it would load its own at each start.
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    frameworkErrors: (error, request, reply) => {
      setHeaders(request, reply);
      void sendAnswer(request, reply, statusAnswer(badRequest(error.message)));
    },
  });
  app.removeAllContentTypeParsers();
  // Bodies are judged by the handlers, which know what their path takes.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  // Hooks with a callback: an async one costs every request a promise and a turn.
  app.addHook('onRequest', (request, reply, next) => {
    setHeaders(request, reply);
    const refusal = refuseForeign(request.headers, options.allowedHosts);
    if (refusal !== undefined) void sendAnswer(request, reply, statusAnswer(refusal));
    else if (options.whenLoaded === undefined || !isAboutObjects(request)) next();
    else options.whenLoaded(next);
  });
  app.addHook('onResponse', (request, reply, next) => {
    const { method, url, id } = request;
    options.logger.debug({ requestId: id, method, url, status: reply.statusCode }, 'request answered');
    next();
  });
  const paths = new Set<string>();
  app.addHook('onRoute', ({ url }) => {
    if (!url.includes(':')) paths.add(url);
  });
  app.setNotFoundHandler((request, reply) => {
    const isKnown = paths.has(request.url.split('?', 1)[0] ?? '') || !app.supportedMethods.includes(request.method);
    return sendAnswer(request, reply, statusAnswer(isKnown ? methodNotAllowed() : unknownPath()));
  });
  app.setErrorHandler<FastifyError>((error, request, reply) =>
    sendAnswer(request, reply, statusAnswer(faultStatus(options, error, request))),
  );
  addFixedRoutes(app, options, paths);
  const streams = new Streams(options);
  // The server waits for open requests before it closes, and a stream never ends by itself.
  app.addHook('preClose', () => streams.close());
  addResourceRoutes(app, options, streams);
  addLintReport(app, options);
  addPreview(app, options);
  addFleet(app, options);
  addEventStream(app, options, streams);
  addPortForward(app, options);
  await app.after();
  return app;
}

/** Whether the answer may follow from the projection: those who probe this process do not wait for it. */
function isAboutObjects({ url }: FastifyRequest): boolean {
  return url.startsWith('/api') || url.startsWith('/v1');
}

function noCompiler(): never {
  throw new Error('a route has a schema, but objects are validated by their kinds');
}

function setHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id);
  reply.header('cache-control', 'no-cache, private');
  reply.header('x-content-type-options', 'nosniff');
}

/** What threw: the storage, the client by way of the framework, or this program. */
function faultStatus({ logger }: ApiOptions, error: FastifyError, request: FastifyRequest): Status {
  const about = { requestId: request.id, method: request.method, url: request.url, err: error };
  if (error instanceof StorageFault) {
    logger.error(about, 'the event log failed');
    return storageUnavailable(error);
  }
  if (error instanceof SealedSecret) return error.status;
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return tooLarge(BODY_LIMIT_BYTES);
  if (error.statusCode === 415) return acceptedMediaTypes([JSON_TYPE, YAML_TYPE]);
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return badRequest(error.message);
  }
  logger.error(about, 'a request failed');
  return internalError(request.id);
}
