import type { Json } from '../object.ts';
import { type CelProgram, type CelValue, parseCel } from './cel.ts';
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

/**
 * Evaluates the rules about changes, where there was a value before. As in Kubernetes not inside of lists, whose items
 * cannot be told apart.
 */
export function checkTransitions(plan: Plan, value: Json, before: Json, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (isJsonObject(value) && isJsonObject(before)) {
    for (const { name, plan: field } of plan.transitionFields) {
      const [part, old] = [value[name], before[name]];
      if (part === undefined || old === undefined) continue;
      errors.push(...checkTransitions(field, part, old, `${path}.${name}`));
    }
  }
  for (const rule of plan.transitions) {
    const fault = evaluate(rule, { self: toCel(plan.schema, value), oldSelf: toCel(plan.schema, before) });
    if (fault !== undefined) errors.push(ruleFault(plan, fault, path));
  }
  return errors;
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
    const fault = evaluate(rule, { self: toCel(plan.schema, value) });
    if (fault !== undefined) walk.errors.push(ruleFault(plan, fault, walk.path.toString()));
  }
}

/** Kubernetes shows the type in place of the value. */
function ruleFault({ schema }: Plan, fault: string, field: string): FieldError {
  const message = `Invalid value: ${JSON.stringify(schema.type ?? '')}: ${fault}`;
  return { reason: 'FieldValueInvalid', message, field };
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

function evaluate({ program, messageProgram, message }: Rule, values: Parameters<CelProgram>[0]): string | undefined {
  try {
    if (program(values) === true) return undefined;
    return messageProgram === undefined ? message : String(messageProgram(values));
  } catch (error) {
    return `${celFault(error)} evaluating rule: ${message}`;
  }
}

function celFault(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  if (text.startsWith('Invalid duration string')) return conversionFault('google.protobuf.Duration');
  if (text.startsWith('No such key')) return text.replace('No', 'no');
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
