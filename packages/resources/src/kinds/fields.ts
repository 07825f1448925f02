import { DURATION_PATTERN } from '../duration.ts';
import type { Json, JsonObject } from '../object.ts';
import { QUANTITY_PATTERN } from '../quantity.ts';
import { type Static, type TOptional, type TSchema, type TUnsafe, Type } from '../typebox.ts';
import type { ValidationRule } from '../validation/json-schema.ts';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const MAX_UINT32 = 4_294_967_295;

type Text = { readonly description: string; readonly minLength?: number; readonly maxLength?: number };

/** Free text. */
export function text(options: Text) {
  return Type.String(options);
}

/** Text out of a closed set; `initial` is the value when it is left out. */
export function choice<const Value extends string>(values: readonly Value[], description: string, initial?: Value) {
  return Type.Unsafe<Value>({
    type: 'string',
    enum: values,
    description,
    ...(initial !== undefined && { default: initial }),
  });
}

/** A field that agentgateway or Gateway API has and that we do not enforce yet: typed, and refused by name. */
export function notEnforced<Schema extends TSchema>(schema: Schema) {
  const { description = '' } = schema as { readonly description?: string };
  return Type.Unsafe<Static<Schema>>({
    ...schema,
    description: `${description} Not enforced by Pulseplane, so it is refused.`.trimStart(),
    'x-pulseplane-not-enforced': true,
  });
}

/** An object whose inside we do not know. */
export function opaqueObject(description: string) {
  return Type.Unsafe<JsonObject>({ type: 'object', description, 'x-kubernetes-preserve-unknown-fields': true });
}

/** A list whose items we do not know. */
export function opaqueList(description: string) {
  const items = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return Type.Unsafe<readonly Json[]>({ type: 'array', description, items });
}

/** Sections that are refused whole, by name. */
export function notEnforcedSections<Name extends string>(sections: { readonly [name in Name]: string }) {
  const fields = Object.entries<string>(sections).map(([name, description]) => [
    name,
    Type.Optional(notEnforced(opaqueObject(description))),
  ]);
  return Object.fromEntries(fields) as { [name in Name]: TOptional<TUnsafe<JsonObject>> };
}

/** A map of names to text. */
export function stringMap(description: string) {
  return Type.Unsafe<{ readonly [key: string]: string }>({
    type: 'object',
    additionalProperties: { type: 'string' },
    description,
  });
}

/** The API group of a referenced object; empty is the core group. */
export function groupField(initial?: string) {
  return Type.String({
    description: 'The API group of the referenced object.',
    maxLength: 253,
    pattern: `^$|^${LABEL}(\\.${LABEL})*$`,
    ...(initial !== undefined && { default: initial }),
  });
}

/** The kind of a referenced object. */
export function kindField(initial?: string) {
  return Type.String({
    description: 'The kind of the referenced object.',
    minLength: 1,
    maxLength: 63,
    pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$',
    ...(initial !== undefined && { default: initial }),
  });
}

/** The name of a referenced object. */
export function nameField() {
  return Type.String({ description: 'The name of the referenced object.', minLength: 1, maxLength: 253 });
}

/** The namespace of a referenced object. */
export function namespaceField() {
  return Type.String({
    description: 'The namespace of the referenced object; the one of this object when left out.',
    minLength: 1,
    maxLength: 63,
    pattern: `^${LABEL}$`,
  });
}

/** The name of a part of an object: a listener, a rule. */
export function sectionNameField(description: string) {
  return Type.String({ description, minLength: 1, maxLength: 253, pattern: `^${LABEL}(\\.${LABEL})*$` });
}

/** A host name, which may begin with the wildcard label `*.` unless told otherwise. */
export function hostnameField(description: string, { wildcard = true }: { readonly wildcard?: boolean } = {}) {
  const pattern = `^${wildcard ? '(\\*\\.)?' : ''}${LABEL}(\\.${LABEL})*$`;
  return Type.String({ description, minLength: 1, maxLength: 253, pattern });
}

/** A port number. */
export function portField(description: string) {
  return Type.Integer({ description, format: 'int32', minimum: 1, maximum: 65_535 });
}

/** A duration of at least `min`, with further rules. */
export function durationField(
  name: string,
  description: string,
  options: { readonly min?: '1s' | '100ms' | '1ms'; readonly rules?: readonly ValidationRule[] } = {},
) {
  const { min = '1s', rules = [] } = options;
  const least = min === '1s' ? '1 second' : min;
  return Type.String({
    description,
    maxLength: 32,
    pattern: DURATION_PATTERN,
    'x-kubernetes-validations': [
      withValue({ rule: `duration(self) >= duration('${min}')`, message: `${name} must be at least ${least}` }),
      ...rules,
    ],
  });
}

/**
 * A duration that becomes a keepalive option of a socket. Linux refuses more than 32767 seconds and keeps no
 * fraction; agentgateway accepts both and the socket then silently has other values than the policy.
 */
export function socketDurationField(name: string, description: string) {
  const rules = [
    withValue({
      rule: `!self.matches('${DURATION_PATTERN}') || duration(self) <= duration('32767s')`,
      message: `${name} must be at most 32767s (9h6m7s), the most that Linux accepts`,
    }),
    withValue({
      rule: `!self.matches('${DURATION_PATTERN}') || duration(self) < duration('1s') || duration(self).getMilliseconds() % 1000 == 0`,
      message: `${name} must be a whole number of seconds, because a socket keeps no fraction`,
    }),
  ];
  return durationField(name, description, { rules });
}

/** A size in bytes, as a number or a Kubernetes quantity. */
export function byteSizeField(
  name: string,
  description: string,
  limits: { readonly min?: number; readonly max?: number } = {},
) {
  const { min = 1, max = MAX_UINT32 } = limits;
  const bounds: ValidationRule[] = [];
  if (min > 1) bounds.push(withSize({ rule: atLeast(min), message: `${name} must be at least ${min} bytes` }));
  if (max < MAX_UINT32) bounds.push(withSize({ rule: atMost(max), message: `${name} must be at most ${max} bytes` }));
  return Type.Unsafe<number | string>({
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    description,
    minLength: 1,
    maxLength: 32,
    pattern: QUANTITY_PATTERN,
    'x-kubernetes-int-or-string': true,
    'x-kubernetes-validations': [
      ...bounds,
      withSize({
        rule: `(${atLeast(1)}) && (${atMost(MAX_UINT32)})`,
        message: 'value must be at least 1 byte and fit within uint32',
      }),
    ],
  });
}

/** Kubernetes prints the type of a value that breaks a rule, not the value: so the message says it. */
function withValue({ rule, message }: ValidationRule, value = 'self'): ValidationRule {
  return { rule, message, messageExpression: `'${message}, got ' + ${value}` };
}

/** A size may be a number. An API server cannot tell what making text of it costs, and prints the message without. */
function withSize(rule: ValidationRule): ValidationRule {
  return withValue(rule, 'string(self)');
}

/** A rule for "at least one of these fields", worded as the Kubernetes code generators do. */
export function atLeastOneOf(fields: readonly string[]): ValidationRule {
  return {
    rule: `${countSet(fields)} >= 1`,
    message: `at least one of the fields in [${fields.join(' ')}] must be set`,
  };
}

/** A rule for "exactly one of these fields". */
export function exactlyOneOf(fields: readonly string[]): ValidationRule {
  return {
    rule: `${countSet(fields)} == 1`,
    message: `exactly one of the fields in [${fields.join(' ')}] must be set`,
  };
}

/** A rule for "one of these fields or none". */
export function atMostOneOf(fields: readonly string[]): ValidationRule {
  return {
    rule: `${countSet(fields)} <= 1`,
    message: `at most one of the fields in [${fields.join(' ')}] may be set`,
  };
}

function countSet(fields: readonly string[]): string {
  return `[${fields.map((field) => `has(self.${field})`).join(',')}].filter(x,x==true).size()`;
}

function atLeast(bytes: number): string {
  return `!isQuantity(string(self)) || !quantity(string(self)).isLessThan(quantity('${bytes}'))`;
}

function atMost(bytes: number): string {
  return `!isQuantity(string(self)) || !quantity(string(self)).isGreaterThan(quantity('${bytes}'))`;
}
