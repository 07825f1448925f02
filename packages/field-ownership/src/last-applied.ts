import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';
import { configFaults } from './check-config.ts';
import { compare } from './compare.ts';
import { difference, type FieldSet, LEAF } from './field-set.ts';
import { asMap, type FieldType } from './field-type.ts';
import { goJson } from './json-value.ts';
import { fieldsSetBy } from './value-fields.ts';

/** Where `kubectl apply` keeps the manifest that it last sent. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The most that an object's annotations may take together, in bytes. */
const MAX_ANNOTATION_BYTES = 262_144;

/** The manager that `kubectl apply --server-side` is. */
export const KUBECTL = 'kubectl';

/**
 * The fields that still have the value which kubectl's client-side apply gave them. Server-side apply by kubectl takes
 * them over without a conflict: it was the same person's tool.
 */
export function fieldsLastApplied(type: FieldType, live: JsonObject): FieldSet {
  const text = annotationsOf(live)[LAST_APPLIED];
  const manifest = typeof text === 'string' ? readManifest(text) : undefined;
  if (manifest === undefined || manifest['apiVersion'] !== live['apiVersion']) return LEAF;
  if (configFaults(type, manifest).length > 0) return LEAF;
  const { added, modified, removed } = compare(type, manifest, live);
  return [added, modified, removed].reduce(difference, fieldsSetBy(type, manifest));
}

/** The object with kubectl's copy of the manifest brought up to date, if it has one. */
export function withLastApplied(object: JsonObject, config: JsonObject): JsonObject {
  const before = annotationsOf(object)[LAST_APPLIED];
  if (typeof before !== 'string' || before === '') return object;
  const annotations = { ...annotationsOf(object), [LAST_APPLIED]: printManifest(config) };
  const { [LAST_APPLIED]: _, ...others } = annotations;
  const fits = sizeOf(annotations) <= MAX_ANNOTATION_BYTES;
  return { ...object, metadata: { ...asMap(object['metadata']), annotations: fits ? annotations : others } };
}

function printManifest(config: JsonObject): string {
  const metadata = asMap(config['metadata']);
  if (!isJsonObject(metadata['annotations'])) return `${goJson(config)}\n`;
  const { [LAST_APPLIED]: _, ...annotations } = metadata['annotations'];
  return `${goJson({ ...config, metadata: { ...metadata, annotations } })}\n`;
}

function annotationsOf(object: JsonObject): JsonObject {
  return asMap(asMap(object['metadata'])['annotations']);
}

function readManifest(text: string): JsonObject | undefined {
  try {
    const json = JSON.parse(text) as Json;
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function sizeOf(annotations: JsonObject): number {
  const encoder = new TextEncoder();
  return Object.entries(annotations).reduce(
    (bytes, [name, value]) => bytes + encoder.encode(name).length + encoder.encode(String(value)).length,
    0,
  );
}
