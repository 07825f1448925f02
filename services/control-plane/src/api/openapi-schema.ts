import type { JsonObject } from '@pulseplane/resources';

/** The schemas that the documents are made of, and the parameters of queries. */
export const text: JsonObject = { type: 'string' };
export const whole: JsonObject = { type: 'integer', format: 'int64' };
export const yesOrNo: JsonObject = { type: 'boolean' };

export function object(properties: JsonObject): JsonObject {
  return { type: 'object', properties };
}

export function queryParameter(name: string, description: string, schema = text): JsonObject {
  return { name, in: 'query', description, schema };
}
