import type { Column, ResourceKind } from './kinds/resource-kind.ts';
import type { Json, JsonObject } from './object.ts';
import type { JsonSchema, ValidationRule } from './validation/json-schema.ts';
import { NOT_ENFORCED } from './validation/structure.ts';

/** Groups of Kubernetes' own projects may be served by others only with a word on who approved that. */
const PROTECTED_GROUP = /(^|\.)(k8s|kubernetes)\.io$/;
const NOT_APPROVED = 'unapproved, the part of Gateway API that Pulseplane enforces';

/**
 * A kind as a CustomResourceDefinition, so that a real API server takes, refuses and prints what ours does: the schema
 * with its rules, the columns of its Table, and its status as a subresource.
 */
export function customResourceDefinition(kind: ResourceKind): JsonObject {
  const { group, version, plural, singular, shortNames, categories } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      ...(PROTECTED_GROUP.test(group) && { annotations: { 'api-approved.kubernetes.io': NOT_APPROVED } }),
    },
    spec: {
      group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural,
        singular,
        ...(shortNames.length > 0 && { shortNames }),
        ...(categories.length > 0 && { categories }),
      },
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: wholeObject(kind.schema) },
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns.map(printerColumn),
        },
      ],
    },
  };
}

/** An API server has the schema of metadata itself, and allows no other. */
function wholeObject(schema: JsonSchema): JsonObject {
  const { properties = {}, ...rest } = schema;
  return structural({ ...rest, properties: { ...properties, metadata: { type: 'object' } } });
}

/**
 * The schema without what is ours alone, and without the anyOf that says of int-or-string once more what it is: an API
 * server tells of each of its branches that it does not fit. That a field is not enforced becomes a rule which
 * always refuses it.
 */
function structural(schema: JsonSchema): JsonObject {
  const { 'x-pulseplane-not-enforced': refused, properties, items, additionalProperties, anyOf: _, ...rest } = schema;
  const rules = (rest['x-kubernetes-validations'] ?? []).map((rule) => affordable(schema, rule));
  const refusal = { rule: 'false', message: NOT_ENFORCED, reason: 'FieldValueForbidden' };
  return {
    ...(rest as JsonObject),
    ...((refused === true || rules.length > 0) && {
      'x-kubernetes-validations': refused === true ? [refusal, ...rules] : rules,
    }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]): [string, Json] => [name, structural(field)]),
      ),
    }),
    ...(items !== undefined && { items: structural(items) }),
    ...(additionalProperties !== undefined && { additionalProperties: structural(additionalProperties) }),
  };
}

/** An API server refuses message expressions whose cost has no bound, as of text made of int-or-string. */
function affordable(schema: JsonSchema, rule: ValidationRule): JsonObject {
  if (schema['x-kubernetes-int-or-string'] !== true) return rule;
  const { messageExpression: _, ...rest } = rule;
  return rest;
}

function printerColumn({ name, type, jsonPath, description, priority }: Column): JsonObject {
  return { name, type, jsonPath, description, ...(priority > 0 && { priority }) };
}
