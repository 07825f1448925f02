import { apiVersionOf, isJsonObject, type JsonObject, type ResourceKind } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { fail, ok, type Result } from '../command/index.ts';
import { prefersMetadata, prefersTable } from './accept.ts';
import { type Answer, statusAnswer } from './answer.ts';
import type { ApiOptions } from './api-options.ts';
import { badRequest, type Status } from './status.ts';
import { type IncludeObject, toTable } from './table.ts';

/** What of the objects a client wants to see. */
export type Shape =
  | { readonly form: 'object' }
  /** The metadata alone, which is all that caches and collectors look at. */
  | { readonly form: 'metadata' }
  | { readonly form: 'table'; readonly include: IncludeObject };

type ListMetadata = { readonly resourceVersion: string; readonly continue?: string };

const METADATA_VERSION = 'meta.k8s.io/v1';
const INCLUDES: readonly IncludeObject[] = ['None', 'Metadata', 'Object'];

/** Reads what the client accepts and, for a Table, the parameter `includeObject`. */
export function readShape({ headers, query }: FastifyRequest): Result<Shape, Status> {
  if (prefersTable(headers.accept)) {
    const { includeObject = '' } = query as Readonly<Record<string, unknown>>;
    const include = includeObject === '' ? 'Metadata' : INCLUDES.find((known) => known === includeObject);
    if (include !== undefined) return ok({ form: 'table', include });
    const fault = `Invalid value: ${JSON.stringify(includeObject)}: must be 'Metadata', 'Object', 'None', or empty`;
    return fail(badRequest(`Unable to convert to Table as requested: includeObject: ${fault}`));
  }
  return ok({ form: prefersMetadata(headers.accept) ? 'metadata' : 'object' });
}

/** One object as an answer. */
export function objectAnswer(
  { now }: Pick<ApiOptions, 'now'>,
  kind: ResourceKind,
  request: FastifyRequest,
  object: JsonObject,
): Answer {
  const shape = readShape(request);
  if (!shape.ok) return statusAnswer(shape.error);
  const { metadata } = object;
  const resourceVersion = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
  const body =
    shape.value.form === 'table'
      ? toTable(kind, [object], { now: now(), include: shape.value.include, metadata: { resourceVersion } })
      : shaped(shape.value, object);
  return { code: 200, body };
}

/** Objects of one kind as an answer. */
export function listAnswer(
  { now }: Pick<ApiOptions, 'now'>,
  kind: ResourceKind,
  request: FastifyRequest,
  items: readonly JsonObject[],
  metadata: ListMetadata,
): Answer {
  const shape = readShape(request);
  if (!shape.ok) return statusAnswer(shape.error);
  switch (shape.value.form) {
    case 'table':
      return { code: 200, body: toTable(kind, items, { now: now(), include: shape.value.include, metadata }) };
    case 'metadata': {
      const list = { kind: 'PartialObjectMetadataList', apiVersion: METADATA_VERSION };
      return { code: 200, body: { ...list, metadata, items: items.map(toMetadata) } };
    }
    case 'object':
      return { code: 200, body: { apiVersion: apiVersionOf(kind), kind: `${kind.kind}List`, metadata, items } };
  }
}

/** An object in a shape that is no Table. */
export function shaped({ form }: Exclude<Shape, { readonly form: 'table' }>, object: JsonObject): JsonObject {
  return form === 'metadata' ? toMetadata(object) : object;
}

/** What is left of an object when only its metadata is wanted. */
function toMetadata({ metadata = {} }: JsonObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: METADATA_VERSION, metadata };
}
