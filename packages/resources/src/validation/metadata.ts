import type { JsonObject, ObjectMeta } from '../object.ts';
import { type FieldError, forbiddenField, invalidValue, requiredValue, tooLong, tooMany } from './field-error.ts';
import type { JsonSchema } from './json-schema.ts';
import { labelValueFaults, type NameFormat, nameFaults, qualifiedNameFaults } from './names.ts';

/** The most that keys and values of all annotations of an object may take together. */
const MAX_ANNOTATION_BYTES = 262_144;

/** The most labels of an object; Kubernetes has no such limit, but every selector reads all of them. */
const MAX_LABELS = 1_000;

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
    deletionTimestamp: { ...text, format: 'date-time', description: 'Set by the server.' },
    deletionGracePeriodSeconds: { type: 'integer', format: 'int64', description: 'Set by the server.' },
    labels: { ...strings, description: 'Names and values to select objects by.' },
    annotations: { ...strings, description: 'Names and values that tools keep with the object.' },
    finalizers: { ...names, description: 'Not supported.' },
    ownerReferences: { ...list, description: 'Not supported.' },
    managedFields: { ...list, description: 'Not kept.' },
    selfLink: { ...text, description: 'Not kept.' },
  },
};

/** What holds of an object's metadata beyond its structure. */
export type MetadataRules = { readonly namespaced: boolean; readonly nameFormat: NameFormat };

/** Checks names, labels and annotations; `metadata` already fits METADATA_SCHEMA. */
export function checkMetadata(metadata: JsonObject, rules: MetadataRules): readonly FieldError[] {
  return [
    ...checkName(metadata, rules),
    ...checkNamespace(metadata, rules),
    ...checkLabels(entries(metadata['labels'])),
    ...checkAnnotations(entries(metadata['annotations'])),
    ...['finalizers', 'ownerReferences']
      .filter((name) => isFilled(metadata[name]))
      .map((name) => forbiddenField(`metadata.${name}`, 'not supported by Pulseplane; remove it')),
  ];
}

/** The part of metadata that a user decides; the rest is the server's. */
export function userMetadata(metadata: JsonObject): ObjectMeta {
  const labels = Object.fromEntries(entries(metadata['labels']));
  const annotations = Object.fromEntries(entries(metadata['annotations']));
  return {
    name: string(metadata['name']),
    ...(string(metadata['namespace']) !== '' && { namespace: string(metadata['namespace']) }),
    ...(string(metadata['uid']) !== '' && { uid: string(metadata['uid']) }),
    ...(string(metadata['resourceVersion']) !== '' && { resourceVersion: string(metadata['resourceVersion']) }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

function checkName(metadata: JsonObject, { nameFormat }: MetadataRules): readonly FieldError[] {
  const name = string(metadata['name']);
  if (name === '') return [requiredValue('metadata.name', 'name or generateName is required')];
  return nameFaults(name, nameFormat).map((fault) => invalidValue('metadata.name', name, fault));
}

function checkNamespace(metadata: JsonObject, { namespaced }: MetadataRules): readonly FieldError[] {
  const namespace = string(metadata['namespace']);
  if (!namespaced) {
    return namespace === '' ? [] : [forbiddenField('metadata.namespace', 'not allowed on this type')];
  }
  if (namespace === '') return [requiredValue('metadata.namespace')];
  return nameFaults(namespace, 'label').map((fault) => invalidValue('metadata.namespace', namespace, fault));
}

function checkLabels(labels: readonly (readonly [string, string])[]): readonly FieldError[] {
  if (labels.length > MAX_LABELS) return [tooMany('metadata.labels', labels.length, MAX_LABELS)];
  return labels.flatMap(([key, value]) => [
    ...qualifiedNameFaults(key).map((fault) => invalidValue('metadata.labels', key, fault)),
    ...labelValueFaults(value).map((fault) => invalidValue('metadata.labels', value, fault)),
  ]);
}

function checkAnnotations(annotations: readonly (readonly [string, string])[]): readonly FieldError[] {
  const encoder = new TextEncoder();
  let bytes = 0;
  const errors = annotations.flatMap(([key, value]) => {
    bytes += encoder.encode(key).length + encoder.encode(value).length;
    return qualifiedNameFaults(key.toLowerCase()).map((fault) => invalidValue('metadata.annotations', key, fault));
  });
  return bytes > MAX_ANNOTATION_BYTES ? [...errors, tooLong('metadata.annotations', MAX_ANNOTATION_BYTES)] : errors;
}

/** Only the strings: a value of another type has its fault from the schema already. */
function entries(map: JsonObject[string]): readonly (readonly [string, string])[] {
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return [];
  return Object.entries(map).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}

function isFilled(value: JsonObject[string]): boolean {
  return Array.isArray(value) && value.length > 0;
}

function string(value: JsonObject[string]): string {
  return typeof value === 'string' ? value : '';
}
