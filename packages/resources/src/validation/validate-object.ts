import { apiVersionOf, type ResourceKind } from '../kinds/resource-kind.ts';
import { contentOf, type Json, type JsonObject, type KubernetesObject } from '../object.ts';
import type { FieldError } from './field-error.ts';
import { finalizerWarnings, newFinalizers } from './finalizers.ts';
import { checkMetadata, userMetadata } from './metadata.ts';
import { checkRules, checkTransitions } from './rules.ts';
import { fit, isJsonObject } from './structure.ts';

/** What came of reading an object: usable only when there are no errors. Unknown fields are left out of it. */
export type ValidatedObject = {
  readonly object: KubernetesObject;
  readonly errors: readonly FieldError[];
  readonly unknown: readonly string[];
  /** What the writer should know of an object without errors. */
  readonly warnings: readonly string[];
};

const NONE: readonly never[] = [];

/** Faults after which Kubernetes does not evaluate rules, because they may not be evaluable. */
const BLOCKS_RULES: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

const RULES_SKIPPED: FieldError = {
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  field: '<nil>',
};

/**
 * Reads an object of a kind as a user wrote it: structure, rules, metadata, defaults. Reports every fault at once.
 * The status and what the server sets in the metadata are not the user's to write and are left out. `before` is the
 * object that it replaces, where there is one.
 */
export function validateObject(kind: ResourceKind, input: JsonObject, before?: KubernetesObject): ValidatedObject {
  const { value, errors: structural, unknown } = fit(kind.plan, withoutStatus(input), '');
  const { metadata, spec } = asObject(value);
  const fields = asObject(metadata);
  const read = kind.readContent?.(contentOf(asObject(value)), before && contentOf(before));
  const object = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: userMetadata(fields),
    ...(isJsonObject(spec) && { spec }),
    ...read?.content,
  };
  const ofMetadata = checkMetadata(fields, kind);
  const errors = [
    ...structural,
    ...checkSpec(kind, spec, before?.spec, [...structural, ...ofMetadata]),
    ...(read?.errors ?? NONE),
    ...ofMetadata,
  ];
  const warnings = errors.length > 0 ? NONE : warningsOf(kind, object, before);
  return { object, errors, unknown, warnings };
}

/** What is wrong with the shape of a status that somebody writes. */
export function checkStatus({ plan }: ResourceKind, status: Json): readonly FieldError[] {
  const ofStatus = plan.fields.get('status');
  return ofStatus === undefined ? NONE : fit(ofStatus, status, 'status').errors;
}

function warningsOf(
  kind: ResourceKind,
  { metadata, spec }: KubernetesObject,
  before: KubernetesObject | undefined,
): readonly string[] {
  const { finalizers } = metadata;
  const hints = spec === undefined ? NONE : (kind.hints?.(spec) ?? NONE);
  if (finalizers === undefined) return hints;
  return [...finalizerWarnings(newFinalizers(finalizers, before?.metadata.finalizers)), ...hints];
}

function withoutStatus(input: JsonObject): JsonObject {
  if (!Object.hasOwn(input, 'status')) return input;
  const { status: _status, ...written } = input;
  return written;
}

function checkSpec(
  kind: ResourceKind,
  spec: Json | undefined,
  before: JsonObject | undefined,
  found: readonly FieldError[],
): readonly FieldError[] {
  // Kinds of the core group have no rules there, so none is skipped.
  if (found.some(({ reason }) => BLOCKS_RULES.has(reason))) return kind.group === '' ? NONE : [RULES_SKIPPED];
  const plan = kind.plan.fields.get('spec');
  if (plan === undefined || !isJsonObject(spec)) return [];
  const faults = [
    ...checkRules(plan, spec, 'spec'),
    ...(before === undefined ? NONE : checkTransitions(plan, spec, before, 'spec')),
  ];
  return kind.checkSpec === undefined ? faults : [...faults, ...kind.checkSpec(spec)];
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
