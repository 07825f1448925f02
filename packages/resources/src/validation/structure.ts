import type { Json, JsonObject } from '../object.ts';
import {
  duplicateValue,
  type FieldError,
  forbiddenField,
  invalidValue,
  requiredValue,
  tooLong,
  tooMany,
  unsupportedValue,
  wrongType,
} from './field-error.ts';
import { FieldPath } from './field-path.ts';
import type { Plan } from './plan.ts';

/** What came of fitting a value to its schema: the value without nulls and unknown fields, with defaults. */
export type Fitted = {
  readonly value: Json;
  readonly errors: readonly FieldError[];
  /** Paths of the fields that the schema does not know, for strict, warn and ignore. */
  readonly unknown: readonly string[];
};

/** Why a field that agentgateway or Gateway API has is refused. */
export const NOT_ENFORCED = 'not enforced by Pulseplane; remove it';

type Walk = { readonly path: FieldPath; readonly errors: FieldError[]; readonly unknown: string[] };

/**
 * Checks a value against a structural schema with the wording of a Kubernetes API server. Reports every fault.
 * What needs no change is not copied: the result shares it with the value.
 */
export function fit(plan: Plan, value: Json, path: string): Fitted {
  const walk: Walk = { path: new FieldPath(path), errors: [], unknown: [] };
  return { value: fitValue(plan, value, walk), errors: walk.errors, unknown: walk.unknown };
}

/** Whether a value is a JSON object (not null, not a list). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fitValue(plan: Plan, value: Json, walk: Walk): Json {
  switch (plan.type) {
    case 'string':
      return typeof value === 'string' ? fitString(plan, value, walk) : mistyped(plan, value, walk);
    case 'object':
      return isJsonObject(value) ? fitObject(plan, value, walk) : mistyped(plan, value, walk);
    case 'opaque':
      return isJsonObject(value) || plan.schema.type === undefined ? value : mistyped(plan, value, walk);
    case 'array':
      return Array.isArray(value) ? fitArray(plan, value, walk) : mistyped(plan, value, walk);
    case 'integer':
      return Number.isInteger(value) ? fitNumber(plan, value as number, walk) : mistyped(plan, value, walk);
    case 'number':
      return typeof value === 'number' ? fitNumber(plan, value, walk) : mistyped(plan, value, walk);
    case 'int-or-string':
      if (typeof value === 'string') return fitString(plan, value, walk);
      return Number.isInteger(value) ? fitNumber(plan, value as number, walk) : mistyped(plan, value, walk);
    case 'boolean':
      return typeof value === 'boolean' ? value : mistyped(plan, value, walk);
    case undefined:
      return value;
    default:
      return plan.type satisfies never;
  }
}

function mistyped(plan: Plan, value: Json, { path, errors }: Walk): Json {
  const expected = plan.type === 'int-or-string' ? 'integer,string' : String(plan.schema.type);
  errors.push(wrongType(path.toString(), expected, typeName(value)));
  return value;
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function fitObject(plan: Plan, value: JsonObject, walk: Walk): JsonObject {
  let changed: { [name: string]: Json | undefined } | undefined;
  const names = Object.keys(value);
  const { maxProperties } = plan.schema;
  if (maxProperties !== undefined && names.length > maxProperties) {
    walk.errors.push(tooMany(walk.path.toString(), names.length, maxProperties));
    return value;
  }
  for (const name of names) {
    const before = value[name];
    const after = before === null || before === undefined ? undefined : fitField(plan, name, before, walk);
    // Object.is, because minus zero becomes zero.
    if (after !== undefined && Object.is(after, before)) continue;
    changed ??= { ...value };
    if (after === undefined) delete changed[name];
    else changed[name] = after;
  }
  for (const { name, value: initial } of plan.defaults) {
    if (Object.hasOwn(changed ?? value, name)) continue;
    changed ??= { ...value };
    changed[name] = initial;
  }
  const fitted = changed ?? value;
  for (const name of plan.required) {
    if (!Object.hasOwn(fitted, name)) walk.errors.push(requiredValue(walk.path.of(name)));
  }
  return fitted;
}

/** The field as it is to be stored; undefined when the schema does not know it. */
function fitField(plan: Plan, name: string, value: Json, walk: Walk): Json | undefined {
  const field = plan.fields.get(name) ?? plan.additional;
  if (field === undefined) {
    walk.unknown.push(walk.path.of(name));
    return undefined;
  }
  const { errors, unknown } = walk;
  const refused = field.schema['x-pulseplane-not-enforced'] === true;
  if (refused) errors.push(forbiddenField(walk.path.of(name), NOT_ENFORCED));
  const before = { errors: errors.length, unknown: unknown.length };
  walk.path.push(name);
  const fitted = fitValue(field, value, walk);
  walk.path.pop();
  if (refused) {
    // What is wrong in there does not matter, and shall not hide that the whole is to be removed. The value is kept:
    // a rule such as "at least one of" shall not complain about its absence as well.
    errors.length = before.errors;
    unknown.length = before.unknown;
  }
  return fitted;
}

function fitArray(plan: Plan, value: readonly Json[], walk: Walk): Json {
  const { items } = plan;
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = plan.schema;
  if (value.length < minItems) {
    const path = walk.path.toString();
    walk.errors.push(invalidValue(path, value.length, `${path} in body should have at least ${minItems} items`));
  }
  if (value.length > maxItems) {
    walk.errors.push(tooMany(walk.path.toString(), value.length, maxItems));
    // Not looked into: a list of a million items would give a million faults.
    return value;
  }
  if (items === undefined) return value;
  let changed: Json[] | undefined;
  for (let index = 0; index < value.length; index += 1) {
    const before = value[index] ?? null;
    walk.path.push(index);
    const after = fitValue(items, before, walk);
    walk.path.pop();
    if (Object.is(after, before)) continue;
    changed ??= [...value];
    changed[index] = after;
  }
  const fitted = changed ?? value;
  if (fitted.length > 1) checkUnique(plan, fitted, walk);
  return fitted;
}

/** Lists that are maps have one item for each key; lists that are sets have each item once. */
function checkUnique({ schema }: Plan, items: readonly Json[], walk: Walk): void {
  const kind = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (kind !== 'set' && keys.length === 0) return;
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const identity = kind === 'set' ? JSON.stringify(item) : keyOf(item, keys);
    if (identity === undefined) continue;
    if (seen.has(identity)) walk.errors.push(duplicateValue(walk.path.of(index), identity));
    seen.add(identity);
  }
}

function keyOf(item: Json, keys: readonly string[]): string | undefined {
  if (!isJsonObject(item)) return undefined;
  const parts = keys.map((name) => `${JSON.stringify(name)}:${JSON.stringify(item[name] ?? null)}`);
  return `map[string]interface {}{${parts.join(', ')}}`;
}

function fitString(plan: Plan, value: string, walk: Walk): string {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, enum: choices } = plan.schema;
  // UTF-16 units are never fewer than characters, and at most twice as many.
  const unsure = value.length > maxLength || value.length < minLength * 2;
  // Of text with a wrong length an API server does not say that it does not match as well.
  if (!(unsure && isMissized(minLength, maxLength, value, walk)) && plan.pattern?.test(value) === false) {
    const path = walk.path.toString();
    walk.errors.push(invalidValue(path, value, `${path} in body should match '${plan.schema.pattern}'`));
  }
  if (choices !== undefined && !choices.includes(value)) {
    walk.errors.push(unsupportedValue(walk.path.toString(), value, choices));
  }
  return value;
}

function isMissized(min: number, max: number, value: string, walk: Walk): boolean {
  const path = walk.path.toString();
  const length = [...value].length;
  if (length > max) walk.errors.push(tooLong(path, max));
  else if (length < min) {
    walk.errors.push(invalidValue(path, value, `${path} in body should be at least ${min} chars long`));
  } else return false;
  return true;
}

function fitNumber(plan: Plan, value: number, walk: Walk): number {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY, enum: choices } = plan.schema;
  if (value < minimum) {
    const path = walk.path.toString();
    walk.errors.push(invalidValue(path, value, `${path} in body should be greater than or equal to ${minimum}`));
  }
  if (value > maximum) {
    const path = walk.path.toString();
    walk.errors.push(invalidValue(path, value, `${path} in body should be less than or equal to ${maximum}`));
  }
  if (choices !== undefined && !choices.includes(value)) {
    walk.errors.push(unsupportedValue(walk.path.toString(), value, choices));
  }
  // Minus zero is a number that JSON loses.
  return value === 0 ? 0 : value;
}
