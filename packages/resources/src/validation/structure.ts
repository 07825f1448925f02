import type { Json, JsonObject } from '../object.ts';
import { type FieldError, forbiddenField, invalidValue, requiredValue, tooLong } from './field-error.ts';
import type { JsonSchema } from './json-schema.ts';

/** What came of fitting a value to its schema: the value without nulls and unknown fields, with defaults. */
export type Fitted = {
  readonly value: Json;
  readonly errors: readonly FieldError[];
  /** Paths of the fields that the schema does not know, for strict, warn and ignore. */
  readonly unknown: readonly string[];
};

type Walk = { readonly errors: FieldError[]; readonly unknown: string[] };

const patterns = new Map<string, RegExp>();

/** Checks a value against a structural schema with the wording of a Kubernetes API server. Reports every fault. */
export function fitToSchema(schema: JsonSchema, value: Json, path: string): Fitted {
  const walk: Walk = { errors: [], unknown: [] };
  return { value: fit(schema, value, path, walk), ...walk };
}

/** Whether a value is a JSON object (not null, not a list). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fit(schema: JsonSchema, value: Json, path: string, walk: Walk): Json {
  if (!hasType(schema, value)) {
    const expected = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : schema.type;
    const actual = JSON.stringify(typeName(value));
    walk.errors.push({
      reason: 'FieldValueTypeInvalid',
      message: `Invalid value: ${actual}: ${path} in body must be of type ${expected}: ${actual}`,
      field: path,
    });
    return value;
  }
  if (Array.isArray(value)) return fitArray(schema, value, path, walk);
  if (isJsonObject(value)) return fitObject(schema, value, path, walk);
  if (typeof value === 'string') checkString(schema, value, path, walk);
  if (typeof value === 'number') {
    checkNumber(schema, value, path, walk);
    return value === 0 ? 0 : value;
  }
  return value;
}

function hasType(schema: JsonSchema, value: Json): boolean {
  if (schema['x-kubernetes-int-or-string'] === true) return typeof value === 'string' || Number.isInteger(value);
  if (schema.type === undefined) return true;
  const actual = typeName(value);
  return actual === schema.type || (schema.type === 'number' && actual === 'integer');
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function fitObject(schema: JsonSchema, value: JsonObject, path: string, walk: Walk): JsonObject {
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return value;
  const known = schema.properties ?? {};
  const notEnforced = schema['x-pulseplane-not-enforced'] ?? [];
  const fitted = new Map<string, Json>();
  for (const [name, field] of Object.entries(value)) {
    if (field === null || field === undefined) continue;
    const fieldPath = path === '' ? name : `${path}.${name}`;
    const fieldSchema = Object.hasOwn(known, name) ? known[name] : schema.additionalProperties;
    if (fieldSchema !== undefined) {
      fitted.set(name, fit(fieldSchema, field, fieldPath, walk));
    } else if (notEnforced.includes(name)) {
      walk.errors.push(forbiddenField(fieldPath, 'not enforced by Pulseplane; remove it'));
      // Kept, so that a rule such as "at least one of" does not complain about its absence as well.
      fitted.set(name, field);
    } else {
      walk.unknown.push(fieldPath);
    }
  }
  for (const [name, fieldSchema] of Object.entries(known)) {
    if (fitted.has(name) || fieldSchema.default === undefined) continue;
    fitted.set(name, fit(fieldSchema, structuredClone(fieldSchema.default), `${path}.${name}`, walk));
  }
  for (const name of schema.required ?? []) {
    if (!fitted.has(name)) walk.errors.push(requiredValue(path === '' ? name : `${path}.${name}`));
  }
  return Object.fromEntries(fitted);
}

function fitArray(schema: JsonSchema, value: readonly Json[], path: string, walk: Walk): Json {
  const { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  if (value.length < minItems) {
    walk.errors.push(invalidValue(path, value.length, `${path} in body should have at least ${minItems} items`));
  }
  if (value.length > maxItems) {
    const message = `Too many: ${value.length}: must have at most ${maxItems} items`;
    walk.errors.push({ reason: 'FieldValueTooMany', message, field: path });
    // Not looked into: a list of a million items would give a million faults.
    return value;
  }
  const fitted = items === undefined ? value : value.map((item, index) => fit(items, item, `${path}[${index}]`, walk));
  checkMapKeys(schema['x-kubernetes-list-map-keys'] ?? [], fitted, path, walk);
  return fitted;
}

function checkMapKeys(keys: readonly string[], items: readonly Json[], path: string, walk: Walk): void {
  if (keys.length === 0) return;
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    if (!isJsonObject(item)) continue;
    const key = keys.map((name) => `${JSON.stringify(name)}:${JSON.stringify(item[name] ?? null)}`).join(', ');
    if (seen.has(key)) {
      const message = `Duplicate value: map[string]interface {}{${key}}`;
      walk.errors.push({ reason: 'FieldValueDuplicate', message, field: `${path}[${index}]` });
    }
    seen.add(key);
  }
}

function checkString(schema: JsonSchema, value: string, path: string, walk: Walk): void {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = schema;
  const length = [...value].length;
  if (length > maxLength) walk.errors.push(tooLong(path, maxLength));
  if (length < minLength) {
    walk.errors.push(invalidValue(path, value, `${path} in body should be at least ${minLength} chars long`));
  }
  if (pattern !== undefined && !compiled(pattern).test(value)) {
    walk.errors.push(invalidValue(path, value, `${path} in body should match '${pattern}'`));
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    const supported = schema.enum.map((name) => JSON.stringify(name)).join(', ');
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`;
    walk.errors.push({ reason: 'FieldValueNotSupported', message, field: path });
  }
}

function checkNumber(schema: JsonSchema, value: number, path: string, walk: Walk): void {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  if (value < minimum) {
    walk.errors.push(invalidValue(path, value, `${path} in body should be greater than or equal to ${minimum}`));
  }
  if (value > maximum) {
    walk.errors.push(invalidValue(path, value, `${path} in body should be less than or equal to ${maximum}`));
  }
}

function compiled(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  const regExp = new RegExp(pattern);
  patterns.set(pattern, regExp);
  return regExp;
}
