import type { ResourceKind } from '../kinds/resource-kind.ts';
import { apiVersionOf } from '../kinds/resource-kind.ts';
import type { Json, JsonObject } from '../object.ts';
import { type ValidatedObject, validateObject } from '../validation/validate-object.ts';

/** Validates a spec in an object that is otherwise good. */
export function validateSpec(kind: ResourceKind, spec: Json): ValidatedObject {
  const object: JsonObject = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name: 'x', ...(kind.namespaced && { namespace: 'default' }) },
    spec,
  };
  return validateObject(kind, object);
}

/** What kubectl would print: one line a fault, unknown fields last. */
export function faultsOf(kind: ResourceKind, spec: Json): readonly string[] {
  const { errors, unknown } = validateSpec(kind, spec);
  return [...errors.map(({ field, message }) => `${field}: ${message}`), ...unknown.map((path) => `unknown ${path}`)];
}
