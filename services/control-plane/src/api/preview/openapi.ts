import type { JsonObject } from '@pulseplane/resources';
import { MAX_PREVIEWED_GATEWAYS, MAX_PREVIEWED_OBJECTS } from '../limits.ts';
import { answer, object, queryParameter, reference, refusal, text, whole } from '../openapi-schema.ts';

const texts: JsonObject = { type: 'array', items: text };
const workers: JsonObject = { ...whole, description: 'How many connected workers would get it.' };
const connections: JsonObject = {
  ...whole,
  description: 'How many open connections are on the ports whose settings in force would change.',
};

/** What `/v1/preview` answers with. */
export const PREVIEW_SCHEMAS: JsonObject = {
  'dev.pulseplane.v1.Preview': object({
    kind: text,
    apiVersion: text,
    metadata: object({
      resourceVersion: { ...text, description: 'The version of the log that the objects were compared with.' },
      remainingItemCount: { ...whole, description: 'How many gateways more are reached, and were not compared.' },
    }),
    warnings: { ...texts, description: 'What the connected Envoys would do, or cannot be told.' },
    workers,
    connections,
    objects: {
      type: 'array',
      items: object({
        document: { ...whole, description: 'The place in the request, from 1; items of a List count each.' },
        kind: text,
        namespace: text,
        name: text,
        change: { ...text, enum: ['Created', 'Changed', 'Unchanged'] },
        warnings: texts,
      }),
    },
    gateways: {
      type: 'array',
      items: object({
        gateway: object({ namespace: text, name: text }),
        change: { ...text, enum: ['Created', 'Changed'] },
        workers,
        connections,
        changes: { type: 'array', items: object({ path: text, before: {}, after: {} }) },
        text: texts,
      }),
    },
  }),
};

const schema: JsonObject = { type: 'object' };

/** `/v1/preview`, which belongs to no group of kinds. */
export const PREVIEW_PATHS: JsonObject = {
  '/v1/preview': {
    post: {
      operationId: 'previewObjects',
      description: `What at most ${MAX_PREVIEWED_OBJECTS} manifests would change if they were stored, on at most ${MAX_PREVIEWED_GATEWAYS} gateways. Nothing is stored.`,
      parameters: [
        queryParameter(
          'fieldValidation',
          'What happens to unknown fields: Strict (unless said otherwise), Warn, Ignore.',
        ),
      ],
      requestBody: {
        description: 'A stream of YAML documents, or one JSON value: an object or a List.',
        content: { 'application/json': { schema }, 'application/yaml': { schema } },
      },
      responses: {
        200: answer('OK', reference('dev.pulseplane.v1.Preview')),
        400: refusal('The body cannot be read, or holds too many objects.'),
        422: refusal('Some objects would be refused; all faults of all of them.'),
      },
    },
  },
};
