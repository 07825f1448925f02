import type { JsonObject } from '@pulseplane/resources';
import { answer, object, reference, text, whole, yesOrNo } from '../openapi-schema.ts';

const time: JsonObject = { ...text, format: 'date-time' };
const stamped = (more: JsonObject = {}): JsonObject => object({ version: text, at: time, ...more });
const counts: JsonObject = {
  open: whole,
  closes: { type: 'object', additionalProperties: whole, description: 'By reason.' },
  keepaliveFailures: { ...whole, description: 'Closed because probes or PINGs were not answered.' },
  socketOptionErrors: whole,
};
const listOf = (items: JsonObject): JsonObject => ({ type: 'array', items });

/** What `/v1/workers` answers with. */
export const FLEET_SCHEMAS: JsonObject = {
  'dev.pulseplane.v1.WorkerReport': object({
    kind: text,
    apiVersion: text,
    metadata: object({}),
    items: listOf(
      object({
        stream: whole,
        node: text,
        userAgent: text,
        role: text,
        gateway: object({ namespace: text, name: text }),
        message: { ...text, description: 'Why nothing is sent.' },
        peer: text,
        variant: { ...text, enum: ['delta', 'sotw'] },
        service: { ...text, description: '"aggregated", or the type URL of a service for one type.' },
        connected: yesOrNo,
        connectedAt: time,
        goneAt: time,
        types: listOf(
          object({
            typeUrl: text,
            state: { ...text, enum: ['subscribed', 'sent', 'acked', 'nacked', 'unwatched', 'stale'] },
            since: time,
            subscribed: object({ wildcard: yesOrNo, names: listOf(text), remainingNames: whole }),
            resources: { ...whole, description: 'How many there are of the type.' },
            sent: stamped(),
            acked: stamped(),
            nacked: stamped({ message: text, resources: listOf(object({ name: text, error: text })) }),
            lagSeconds: { type: 'number', description: 'For how long the newest is not acknowledged.' },
          }),
        ),
        configuration: object({
          source: { ...text, enum: ['control_plane', 'disk'] },
          acceptedAt: time,
          ageSeconds: { type: 'number', description: 'Since the control plane sent or confirmed it.' },
          saveError: { ...text, description: 'Why it could not be saved on the disk of the worker.' },
        }),
        connections: object({ ...counts }),
        policies: listOf(object({ policy: text, ...counts })),
      }),
    ),
  }),
};

/** `/v1/workers` and `/metrics`, which belong to no group of kinds. */
export const FLEET_PATHS: JsonObject = {
  '/v1/workers': {
    get: {
      operationId: 'readWorkerReport',
      description:
        'What each xDS client subscribes to, was sent and answered, open streams first, then those gone lately.',
      responses: { 200: answer('OK', reference('dev.pulseplane.v1.WorkerReport')) },
    },
  },
  '/metrics': {
    get: {
      operationId: 'readMetrics',
      description: 'Metrics for Prometheus.',
      responses: { 200: { description: 'OK', content: { 'text/plain': { schema: text } } } },
    },
  },
};
