import { Environment } from '@marcbachmann/cel-js';
import type { Json } from '../object.ts';
import { parseQuantity } from '../quantity.ts';
import type { FieldError } from './field-error.ts';
import type { JsonSchema, ValidationRule } from './json-schema.ts';
import { isJsonObject } from './structure.ts';

type CelValue = null | boolean | bigint | number | string | readonly CelValue[] | { readonly [key: string]: CelValue };
type Program = (context: { readonly self: CelValue }) => unknown;

/** A Kubernetes quantity in CEL (an extension that Kubernetes' API server has). */
class Quantity {
  readonly amount: bigint;
  constructor(amount: bigint) {
    this.amount = amount;
  }
}

const environment = new Environment()
  .registerVariable('self', 'dyn')
  .registerType('Quantity', Quantity)
  .registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined)
  .registerFunction('quantity(string): Quantity', (text: string) => {
    const amount = parseQuantity(text);
    if (amount === undefined) throw new Error(`${JSON.stringify(text)} is not a quantity`);
    return new Quantity(amount);
  })
  .registerFunction('Quantity.isLessThan(Quantity): bool', (a: Quantity, b: Quantity) => a.amount < b.amount)
  .registerFunction('Quantity.isGreaterThan(Quantity): bool', (a: Quantity, b: Quantity) => a.amount > b.amount);

const programs = new Map<string, Program>();

/** Evaluates the `x-kubernetes-validations` of a schema on a value that fits the schema's structure. */
export function checkRules(schema: JsonSchema, value: Json, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  visit(schema, value, path, errors);
  return errors;
}

/** Compiles every rule of a schema, so that a rule that does not parse fails the start and not the first request. */
export function compileRules(schema: JsonSchema): void {
  for (const { rule, messageExpression } of schema['x-kubernetes-validations'] ?? []) {
    program(rule);
    if (messageExpression !== undefined) program(messageExpression);
  }
  for (const property of Object.values(schema.properties ?? {})) compileRules(property);
  if (schema.items !== undefined) compileRules(schema.items);
  if (schema.additionalProperties !== undefined) compileRules(schema.additionalProperties);
}

/** Goes down value and schema together; returns the value as CEL sees it, so that nothing is converted twice. */
function visit(schema: JsonSchema, value: Json, path: string, errors: FieldError[]): CelValue {
  const self = convert(schema, value, path, errors);
  for (const rule of schema['x-kubernetes-validations'] ?? []) {
    const fault = evaluate(rule, self);
    if (fault === undefined) continue;
    const message = `Invalid value: ${JSON.stringify(schema.type ?? '')}: ${fault}`;
    errors.push({ reason: 'FieldValueInvalid', message, field: path });
  }
  return self;
}

function convert(schema: JsonSchema, value: Json, path: string, errors: FieldError[]): CelValue {
  if (Array.isArray(value)) {
    return value.map((item: Json, index) => visit(schema.items ?? {}, item, `${path}[${index}]`, errors));
  }
  if (isJsonObject(value)) {
    const fields = Object.entries(value).map(([name, field]): [string, CelValue] => {
      const fieldSchema = schema.properties?.[name] ?? schema.additionalProperties ?? {};
      return [name, visit(fieldSchema, field ?? null, path === '' ? name : `${path}.${name}`, errors)];
    });
    return Object.fromEntries(fields);
  }
  // CEL's int is a BigInt; a JavaScript number would be a double and compare with no int literal's overloads.
  if (typeof value === 'number' && schema.type !== 'number' && Number.isInteger(value)) return BigInt(value);
  return value as Exclude<Json, readonly Json[] | { readonly [key: string]: Json | undefined }>;
}

function evaluate({ rule, message, messageExpression }: ValidationRule, self: CelValue): string | undefined {
  try {
    if (program(rule)({ self }) === true) return undefined;
    return messageExpression === undefined ? message : String(program(messageExpression)({ self }));
  } catch (error) {
    return `${celFault(error)} evaluating rule: ${message}`;
  }
}

function celFault(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  return text.startsWith('Invalid duration string')
    ? "type conversion error from 'string' to 'google.protobuf.Duration'"
    : text;
}

function program(source: string): Program {
  const known = programs.get(source);
  if (known !== undefined) return known;
  const parsed = environment.parse(source);
  programs.set(source, parsed);
  return parsed;
}
