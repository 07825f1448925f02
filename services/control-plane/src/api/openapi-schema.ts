import type { JsonObject, ResourceKind } from '@pulseplane/resources';

/** What the documents are made of: schemas, parameters of queries, answers. */
export const text: JsonObject = { type: 'string' };
export const whole: JsonObject = { type: 'integer', format: 'int64' };
export const yesOrNo: JsonObject = { type: 'boolean' };

export function object(properties: JsonObject): JsonObject {
  return { type: 'object', properties };
}

export function queryParameter(name: string, description: string, schema = text): JsonObject {
  return { name, in: 'query', description, schema };
}

/** `dev.agentgateway.v1alpha1.AgentgatewayPolicy`, as Kubernetes names the schemas of custom kinds. */
export function schemaName({ group, version, kind }: Pick<ResourceKind, 'group' | 'version' | 'kind'>): string {
  if (group === '' || group === 'apps') return `io.k8s.api.${group || 'core'}.${version}.${kind}`;
  return [...group.split('.').reverse(), version, kind].join('.');
}

/** A schema of the same document. */
export function reference(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

/** The schema of Kubernetes' answer to what is no object. */
export const STATUS_NAME = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';

/** An answer in JSON. */
export function answer(description: string, schema: JsonObject): JsonObject {
  return { description, content: { 'application/json': { schema } } };
}

/** An answer that says what went wrong. */
export function refusal(description: string): JsonObject {
  return answer(description, reference(STATUS_NAME));
}

/** Of every document, because every path may refuse. */
export const STATUS_SCHEMAS: JsonObject = {
  [STATUS_NAME]: {
    ...object({
      kind: text,
      apiVersion: text,
      metadata: object({}),
      status: { ...text, enum: ['Success', 'Failure'] },
      message: text,
      reason: text,
      details: object({
        name: text,
        group: text,
        kind: text,
        uid: text,
        causes: { type: 'array', items: object({ reason: text, message: text, field: text }) },
        retryAfterSeconds: whole,
      }),
      code: { ...whole, format: 'int32' },
    }),
    required: ['kind', 'apiVersion', 'status'],
    'x-kubernetes-group-version-kind': [{ group: '', version: 'v1', kind: 'Status' }],
  },
};
