import type { FastifyInstance } from 'fastify';
import { sendAnswer } from '../answer.ts';
import type { ApiOptions } from '../api-options.ts';
import { HISTORY_API_VERSION } from '../history/history-handlers.ts';

/** `GET /v1/workers`: what each xDS client was sent and said of it. `GET /metrics`: the same in numbers. */
export function addFleet(app: FastifyInstance, { workers, metrics }: ApiOptions): void {
  app.get('/v1/workers', (request, reply) => {
    const body = { kind: 'WorkerReport', apiVersion: HISTORY_API_VERSION, metadata: {}, items: workers() };
    return sendAnswer(request, reply, { code: 200, body });
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics();
    return reply.header('content-type', contentType).send(text);
  });
}
