import { isJsonObject, type Json, type JsonObject, NAMESPACE, type ResourceKind, SECRET } from '@pulseplane/resources';
import type { FastifyRequest } from 'fastify';
import { fail, ok, type Result } from '../command/index.ts';
import { mediaType, parseJson, parseYaml, parseYamlStream } from './body.ts';
import type { Patch } from './json-patch.ts';
import { APPLY_PATCH_TYPE, JSON_PATCH_TYPE, MERGE_PATCH_TYPE, readPatch, STRATEGIC_PATCH_TYPE } from './patch.ts';
import { PROTOBUF_TYPE, parseProtobufNamespace, parseProtobufSecret } from './protobuf.ts';
import { acceptedMediaTypes, badRequest, type Status } from './status.ts';

export const JSON_TYPE = 'application/json';
export const YAML_TYPE = 'application/yaml';

const OPENING_BRACE = 0x7b;

type ProtobufReader = (body: Uint8Array) => Result<JsonObject, string>;

const PROTOBUF_READERS: ReadonlyMap<ResourceKind, ProtobufReader> = new Map([
  [NAMESPACE, parseProtobufNamespace],
  [SECRET, parseProtobufSecret],
]);

/** The object in the body of a POST or PUT; in protobuf too, of the kinds that kubectl's typed commands send. */
export function objectBody(
  kind: ResourceKind,
  request: FastifyRequest,
  readProtobuf: ProtobufReader | undefined = PROTOBUF_READERS.get(kind),
): Result<JsonObject, Status> {
  const type = mediaType(request.headers['content-type']);
  if (type === PROTOBUF_TYPE && readProtobuf !== undefined) return asBadRequest(readProtobuf(bytesOf(request)));
  const parsed = parseDocument(request, [JSON_TYPE, YAML_TYPE, ...(readProtobuf === undefined ? [] : [PROTOBUF_TYPE])]);
  if (!parsed.ok) return parsed;
  return isJsonObject(parsed.value) ? ok(parsed.value) : fail(badRequest('the body must be an object'));
}

/** The body of a request that may go without; undefined when there is none. `kubectl create --raw` names no type. */
export function optionsBody(request: FastifyRequest): Result<Json | undefined, Status> {
  const bytes = bytesOf(request);
  if (bytes.length === 0) return ok(undefined);
  if (request.headers['content-type'] === undefined) return asBadRequest(parseJson(bytes));
  return parseDocument(request, [JSON_TYPE, YAML_TYPE]);
}

/** The patch in the body of a PATCH. */
export function patchBody(kind: ResourceKind, request: FastifyRequest): Result<Patch, Status> {
  const type = mediaType(request.headers['content-type']);
  const strategic = kind.group === '' ? [STRATEGIC_PATCH_TYPE] : [];
  const accepted = [JSON_PATCH_TYPE, MERGE_PATCH_TYPE, ...strategic, APPLY_PATCH_TYPE];
  if (!accepted.includes(type)) return fail(acceptedMediaTypes(accepted));
  const parsed = parseJson(bytesOf(request));
  if (!parsed.ok) return fail(badRequest(parsed.error));
  const patch = readPatch(type, parsed.value);
  return patch.ok ? patch : fail(badRequest(`error decoding patch: ${patch.error}`));
}

/** The configuration in the body of an apply: YAML, which JSON is too. */
export function applyBody(request: FastifyRequest): Result<JsonObject, Status> {
  const bytes = bytesOf(request);
  const isJson = bytes[0] === OPENING_BRACE;
  const parsed = isJson ? parseJson(bytes) : parseYaml(bytes);
  if (!parsed.ok) return fail(badRequest(`error decoding YAML: ${parsed.error}`));
  return isJsonObject(parsed.value) ? ok(parsed.value) : fail(badRequest('the body must be an object'));
}

/** The documents of a body: a stream of YAML, or one JSON value. `kubectl create --raw` names no type. */
export function documentsBody(request: FastifyRequest): Result<readonly Json[], Status> {
  const type = mediaType(request.headers['content-type']);
  if (!['', JSON_TYPE, YAML_TYPE].includes(type)) return fail(acceptedMediaTypes([JSON_TYPE, YAML_TYPE]));
  const bytes = bytesOf(request);
  const isJson = type === JSON_TYPE || (type === '' && bytes[0] === OPENING_BRACE);
  if (!isJson) return asBadRequest(parseYamlStream(bytes));
  const parsed = asBadRequest(parseJson(bytes));
  return parsed.ok ? ok([parsed.value]) : parsed;
}

function parseDocument(request: FastifyRequest, accepted: readonly string[]): Result<Json, Status> {
  const type = mediaType(request.headers['content-type']);
  if (type === JSON_TYPE || type === '') return asBadRequest(parseJson(bytesOf(request)));
  if (type === YAML_TYPE) return asBadRequest(parseYaml(bytesOf(request)));
  return fail(acceptedMediaTypes(accepted));
}

function asBadRequest<Value>(result: Result<Value, string>): Result<Value, Status> {
  return result.ok ? result : fail(badRequest(result.error));
}

/** The content-type parser hands every body over as it came. */
function bytesOf(request: FastifyRequest): Uint8Array {
  return request.body instanceof Uint8Array ? request.body : new Uint8Array();
}
