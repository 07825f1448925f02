import type { ResourceKind } from '../kinds/resource-kind.ts';
import { apiVersionOf } from '../kinds/resource-kind.ts';
import type { Json, JsonObject } from '../object.ts';
import type { Plan } from '../validation/plan.ts';
import { checkRules } from '../validation/rules.ts';
import { fit } from '../validation/structure.ts';
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

/** What is wrong in a section of a spec that is refused as a whole, once it will be enforced. */
export function faultsOfSection(kind: ResourceKind, path: string, value: Json): readonly string[] {
  const plan = path.split('.').reduce((parent, name) => partOf(parent, name), partOf(kind.plan, 'spec'));
  const { value: fitted, errors, unknown } = fit(plan, value, `spec.${path}`);
  const faults = errors.length > 0 ? errors : checkRules(plan, fitted, `spec.${path}`);
  return [...faults.map(({ field, message }) => `${field}: ${message}`), ...unknown.map((field) => `unknown ${field}`)];
}

function partOf({ fields, items }: Plan, name: string): Plan {
  const part = name === '[]' ? items : fields.get(name);
  if (part === undefined) throw new Error(`there is no ${name}`);
  return part;
}
