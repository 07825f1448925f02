import type { Json } from '../object.ts';
import { type CelValue, parseCel } from './cel.ts';
import type { FieldError } from './field-error.ts';
import { FieldPath } from './field-path.ts';
import type { JsonSchema, ValidationRule } from './json-schema.ts';
import type { Plan, Rule } from './plan.ts';
import { compilePredicate } from './rule-predicate.ts';
import { isJsonObject } from './structure.ts';

/** Prepares a rule. Throws when its expressions do not parse. */
export function compileRule({ rule, message, messageExpression }: ValidationRule): Rule {
  const program = parseCel(rule);
  return {
    message,
    program,
    messageProgram: messageExpression === undefined ? undefined : parseCel(messageExpression),
    holds: compilePredicate(program.ast),
  };
}

type Walk = { readonly path: FieldPath; readonly errors: FieldError[] };

/** Evaluates the `x-kubernetes-validations` of a schema on a value that fits the schema's structure. */
export function checkRules(plan: Plan, value: Json, path: string): readonly FieldError[] {
  const walk: Walk = { path: new FieldPath(path), errors: [] };
  visit(plan, value, walk);
  return walk.errors;
}

/** Goes down where there are rules; those of the parts come before those of the whole. */
function visit(plan: Plan, value: Json, walk: Walk): void {
  if (!plan.ruled) return;
  if (Array.isArray(value)) visitItems(plan, value, walk);
  else if (isJsonObject(value)) {
    for (const { name, plan: field } of plan.ruledFields) visitPart(field, name, value[name], walk);
    if (plan.additional?.ruled === true) {
      for (const [name, part] of Object.entries(value)) visitPart(plan.additional, name, part, walk);
    }
  }
  for (const rule of plan.rules) {
    if (rule.holds?.(value) === true) continue;
    const fault = evaluate(rule, toCel(plan.schema, value));
    if (fault === undefined) continue;
    const message = `Invalid value: ${JSON.stringify(plan.schema.type ?? '')}: ${fault}`;
    walk.errors.push({ reason: 'FieldValueInvalid', message, field: walk.path.toString() });
  }
}

function visitItems(plan: Plan, items: readonly Json[], walk: Walk): void {
  if (plan.items?.ruled !== true) return;
  for (const [index, item] of items.entries()) visitPart(plan.items, index, item, walk);
}

function visitPart(plan: Plan, step: string | number, value: Json | undefined, walk: Walk): void {
  if (value === undefined) return;
  walk.path.push(step);
  visit(plan, value, walk);
  walk.path.pop();
}

function evaluate({ program, messageProgram, message }: Rule, self: CelValue): string | undefined {
  try {
    if (program({ self }) === true) return undefined;
    return messageProgram === undefined ? message : String(messageProgram({ self }));
  } catch (error) {
    return `${celFault(error)} evaluating rule: ${message}`;
  }
}

function celFault(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  if (text.startsWith('Invalid duration string')) return conversionFault('google.protobuf.Duration');
  return text.startsWith('int() type error') ? conversionFault('int') : text;
}

function conversionFault(type: string): string {
  return `type conversion error from 'string' to '${type}'`;
}

/** CEL's int is a BigInt; a JavaScript number would be a double and compare with no int literal's overloads. */
export function toCel(schema: JsonSchema, value: Json): CelValue {
  if (Array.isArray(value)) return value.map((item: Json) => toCel(schema.items ?? {}, item));
  if (isJsonObject(value)) {
    const fields = Object.entries(value).map(([name, field]): [string, CelValue] => [
      name,
      toCel(schema.properties?.[name] ?? schema.additionalProperties ?? {}, field ?? null),
    ]);
    return Object.fromEntries(fields);
  }
  if (typeof value === 'number' && schema.type !== 'number' && Number.isInteger(value)) return BigInt(value);
  return value as Exclude<Json, readonly Json[] | { readonly [key: string]: Json | undefined }>;
}
