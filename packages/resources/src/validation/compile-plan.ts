import type { Json } from '../object.ts';
import type { JsonSchema, ValidationRule } from './json-schema.ts';
import type { Plan } from './plan.ts';
import { compileRule } from './rules.ts';
import { fit } from './structure.ts';

/** Prepares a schema. Throws where a rule does not parse, so that this fails the start and not the first request. */
export function planOf(schema: JsonSchema): Plan {
  const properties = Object.entries(schema.properties ?? {});
  const fields = new Map(properties.map(([name, field]): [string, Plan] => [name, planOf(field)]));
  const additional = schema.additionalProperties && planOf(schema.additionalProperties);
  const items = schema.items && planOf(schema.items);
  const validations = schema['x-kubernetes-validations'] ?? [];
  const rules = validations.filter((rule) => !isTransitionRule(rule)).map(compileRule);
  const transitions = validations.filter(isTransitionRule).map(compileRule);
  const ruledFields = [...fields]
    .filter(([, plan]) => plan.ruled && plan.schema['x-pulseplane-not-enforced'] !== true)
    .map(([name, plan]) => ({ name, plan }));
  return {
    schema,
    type: typeOf(schema),
    fields,
    additional,
    items,
    required: schema.required ?? [],
    defaults: [...fields].flatMap(([name, plan]) =>
      plan.schema.default === undefined ? [] : [{ name, value: frozen(fit(plan, plan.schema.default, name).value) }],
    ),
    pattern: schema.pattern === undefined ? undefined : new RegExp(schema.pattern),
    rules,
    ruledFields,
    ruled: rules.length > 0 || ruledFields.length > 0 || items?.ruled === true || additional?.ruled === true,
    transitions,
    transitionFields: [...fields]
      .filter(([, plan]) => plan.transitions.length > 0 || plan.transitionFields.length > 0)
      .map(([name, plan]) => ({ name, plan })),
  };
}

/** A rule that compares with the value before; it says nothing about a value alone. */
function isTransitionRule({ rule }: ValidationRule): boolean {
  return rule.includes('oldSelf');
}

function typeOf(schema: JsonSchema): Plan['type'] {
  if (schema['x-kubernetes-int-or-string'] === true) return 'int-or-string';
  return schema['x-kubernetes-preserve-unknown-fields'] === true ? 'opaque' : schema.type;
}

function frozen(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part ?? null);
  return Object.freeze(value);
}
