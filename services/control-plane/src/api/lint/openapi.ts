import { RULE_IDS, SEVERITIES } from '@pulseplane/lint';
import type { JsonObject } from '@pulseplane/resources';
import { MAX_FINDINGS } from '../limits.ts';
import { answer, object, queryParameter, reference, refusal, text, whole, yesOrNo } from '../openapi-schema.ts';

const severity: JsonObject = { ...text, enum: SEVERITIES };
const rule: JsonObject = { ...text, enum: RULE_IDS };

/** What `/v1/lint` answers with. */
export const LINT_SCHEMAS: JsonObject = {
  'dev.pulseplane.v1.LintReport': object({
    kind: text,
    apiVersion: text,
    metadata: object({ remainingItemCount: { ...whole, description: 'How many findings were left out.' } }),
    items: {
      type: 'array',
      items: {
        ...object({
          rule,
          severity,
          object: object({ kind: text, namespace: text, name: text }),
          field: text,
          message: text,
          source: { ...text, format: 'uri', description: 'Where the numbers are from.' },
          environment: { ...text, description: 'The environment whose numbers they are.' },
          acknowledged: { ...yesOrNo, description: 'An annotation says that this is known.' },
        }),
        required: ['rule', 'severity', 'object', 'field', 'message', 'source', 'acknowledged'],
      },
    },
  }),
};

/** `/v1/lint`, which belongs to no group of kinds. */
export const LINT_PATHS: JsonObject = {
  '/v1/lint': {
    get: {
      operationId: 'readLintReport',
      description: `What the keepalive rules say of all objects; ${MAX_FINDINGS} findings at most.`,
      parameters: [
        queryParameter('namespace', 'Only objects of this namespace, and itself.'),
        queryParameter('severity', 'Only findings of this severity.', severity),
        queryParameter('rule', 'Only findings of this rule.', rule),
      ],
      responses: {
        200: answer('OK', reference('dev.pulseplane.v1.LintReport')),
        400: refusal('A parameter is wrong.'),
      },
    },
  },
};
