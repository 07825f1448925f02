import type { Json, JsonObject, ObjectMeta } from '../object.ts';
import { type FieldError, forbiddenField, invalidValue, requiredValue, tooLong, tooMany } from './field-error.ts';
import { checkManagedFields } from './field-manager.ts';
import { checkFinalizers } from './finalizers.ts';
import type { JsonSchema } from './json-schema.ts';
import { labelValueFaults, type NameFormat, nameFaults, qualifiedNameFaults } from './names.ts';
import { isJsonObject } from './structure.ts';

/** The most that keys and values of all annotations of an object may take together. */
const MAX_ANNOTATION_BYTES = 262_144;

/** The most labels of an object; Kubernetes has no such limit, but every selector reads all of them. */
const MAX_LABELS = 1_000;

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

const NO_TEXTS: readonly string[] = [];

const text: JsonSchema = { type: 'string' };
const strings: JsonSchema = { type: 'object', additionalProperties: text };
const names: JsonSchema = { type: 'array', items: text };
const list: JsonSchema = {
  type: 'array',
  items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

/** Every field that Kubernetes' ObjectMeta has, so that what was read can be sent back. */
export const METADATA_SCHEMA: JsonSchema = {
  type: 'object',
  description: 'Standard object metadata.',
  properties: {
    name: { ...text, description: 'The name of the object, unique for its kind in its namespace.' },
    generateName: { ...text, description: 'A prefix: the server appends a unique suffix when name is not given.' },
    namespace: { ...text, description: 'The namespace that the object lives in.' },
    uid: { ...text, description: 'Unique in time and space; set by the server.' },
    resourceVersion: { ...text, description: 'The sequence number of the last event of the object.' },
    generation: { type: 'integer', format: 'int64', description: 'Raised by one whenever the spec changes.' },
    creationTimestamp: { ...text, format: 'date-time', description: 'When the object was created.' },
    deletionTimestamp: {
      ...text,
      format: 'date-time',
      description: 'When the deletion was asked for; set by the server. The object goes with its last finalizer.',
    },
    deletionGracePeriodSeconds: { type: 'integer', format: 'int64', description: 'Set by the server.' },
    labels: { ...strings, description: 'Names and values to select objects by.' },
    annotations: { ...strings, description: 'Names and values that tools keep with the object.' },
    finalizers: {
      ...names,
      description: 'A deleted object stays until this list is empty. None can be added to an object that is deleted.',
      'x-kubernetes-list-type': 'set',
    },
    ownerReferences: { ...list, description: 'Not supported.' },
    managedFields: {
      ...list,
      description: 'Who owns which field, and since when.',
      'x-kubernetes-list-type': 'atomic',
    },
    selfLink: { ...text, description: 'Not kept.' },
  },
};

/** What holds of an object's metadata beyond its structure. */
export type MetadataRules = { readonly namespaced: boolean; readonly nameFormat: NameFormat };

/** Checks names, labels, annotations and finalizers; `metadata` already fits METADATA_SCHEMA. */
export function checkMetadata(metadata: JsonObject, rules: MetadataRules): readonly FieldError[] {
  const errors: FieldError[] = [];
  checkName(metadata, rules, errors);
  checkNamespace(metadata, rules, errors);
  checkTimes(metadata, errors);
  checkLabels(asObject(metadata['labels']), errors);
  checkAnnotations(asObject(metadata['annotations']), errors);
  const { managedFields } = metadata;
  if (isObjectList(managedFields)) checkManagedFields(managedFields, errors);
  checkFinalizers(textsOf(metadata['finalizers']), errors);
  if (isFilled(metadata['ownerReferences'])) {
    errors.push(forbiddenField('metadata.ownerReferences', 'not supported by Pulseplane; remove it'));
  }
  return errors;
}

/** The part of metadata that a user decides; the rest is the server's. The owners of fields are as they were sent. */
export function userMetadata(metadata: JsonObject): ObjectMeta {
  const { namespace, uid, resourceVersion, labels, annotations, managedFields } = metadata;
  const finalizers = textsOf(metadata['finalizers']);
  return {
    name: string(metadata['name']),
    ...(isText(namespace) && { namespace }),
    ...(isText(uid) && { uid }),
    // As in Kubernetes, 0 is no version.
    ...(isText(resourceVersion) && resourceVersion !== '0' && { resourceVersion }),
    ...(isFilledMap(labels) && { labels }),
    ...(isFilledMap(annotations) && { annotations }),
    ...(finalizers.length > 0 && { finalizers }),
    ...(isObjectList(managedFields) && { managedFields }),
  };
}

function checkName(metadata: JsonObject, { nameFormat }: MetadataRules, errors: FieldError[]): void {
  const name = string(metadata['name']);
  if (name === '') errors.push(requiredValue('metadata.name', 'name or generateName is required'));
  else for (const fault of nameFaults(name, nameFormat)) errors.push(invalidValue('metadata.name', name, fault));
}

function checkNamespace(metadata: JsonObject, { namespaced }: MetadataRules, errors: FieldError[]): void {
  const namespace = string(metadata['namespace']);
  if (!namespaced) {
    if (namespace !== '') errors.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  } else if (namespace === '') {
    errors.push(requiredValue('metadata.namespace'));
  } else {
    for (const fault of nameFaults(namespace, 'label')) {
      errors.push(invalidValue('metadata.namespace', namespace, fault));
    }
  }
}

/** The server sets the times and does not take them from writers, but what is no time is a mistake. */
function checkTimes(metadata: JsonObject, errors: FieldError[]): void {
  for (const name of ['creationTimestamp', 'deletionTimestamp']) {
    const time = metadata[name];
    if (typeof time !== 'string' || (RFC_3339.test(time) && !Number.isNaN(Date.parse(time)))) continue;
    const field = `metadata.${name}`;
    errors.push(invalidValue(field, time, `${field} in body must be of type date-time: ${JSON.stringify(time)}`));
  }
}

function checkLabels(labels: JsonObject, errors: FieldError[]): void {
  const keys = Object.keys(labels);
  if (keys.length > MAX_LABELS) {
    errors.push(tooMany('metadata.labels', keys.length, MAX_LABELS));
    return;
  }
  for (const key of keys) {
    const value = string(labels[key]);
    for (const fault of qualifiedNameFaults(key)) errors.push(invalidValue('metadata.labels', key, fault));
    for (const fault of labelValueFaults(value)) errors.push(invalidValue('metadata.labels', value, fault));
  }
}

function checkAnnotations(annotations: JsonObject, errors: FieldError[]): void {
  let units = 0;
  for (const key of Object.keys(annotations)) {
    units += key.length + string(annotations[key]).length;
    for (const fault of qualifiedNameFaults(key.toLowerCase())) {
      errors.push(invalidValue('metadata.annotations', key, fault));
    }
  }
  // A UTF-16 unit is at most three bytes of UTF-8, so that most objects need no exact count.
  if (units * 3 > MAX_ANNOTATION_BYTES && utf8Length(annotations) > MAX_ANNOTATION_BYTES) {
    errors.push(tooLong('metadata.annotations', MAX_ANNOTATION_BYTES));
  }
}

function utf8Length(texts: JsonObject): number {
  const encoder = new TextEncoder();
  return Object.entries(texts).reduce(
    (bytes, [key, value]) => bytes + encoder.encode(key).length + encoder.encode(string(value)).length,
    0,
  );
}

function asObject(value: JsonObject[string]): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** A map of text; one with other values has faults from the schema already, and its object is not used. */
function isFilledMap(value: JsonObject[string]): value is { readonly [key: string]: string } {
  return isJsonObject(value) && Object.keys(value).length > 0;
}

/** The texts of a list; one with other items has faults from the schema already. */
function textsOf(value: JsonObject[string]): readonly string[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter((item) => typeof item === 'string') : NO_TEXTS;
}

function isText(value: JsonObject[string]): value is string {
  return typeof value === 'string' && value !== '';
}

function isFilled(value: JsonObject[string]): boolean {
  return Array.isArray(value) && value.length > 0;
}

function string(value: JsonObject[string]): string {
  return typeof value === 'string' ? value : '';
}

function isObjectList(value: Json | undefined): value is readonly JsonObject[] {
  return Array.isArray(value) && (value as readonly Json[]).every(isJsonObject);
}
