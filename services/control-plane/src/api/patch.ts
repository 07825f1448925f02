import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';
import jsonPatch from 'fast-json-patch';
import { fail, ok, type Result } from '../command/index.ts';
import { BODY_LIMIT_BYTES, MAX_PATCH_OPERATIONS } from './limits.ts';

export const MERGE_PATCH_TYPE = 'application/merge-patch+json';
export const JSON_PATCH_TYPE = 'application/json-patch+json';
export const STRATEGIC_PATCH_TYPE = 'application/strategic-merge-patch+json';
export const APPLY_PATCH_TYPE = 'application/apply-patch+yaml';

/** Changes an object as a patch of the given type says; the reason when it cannot. */
export type Patch = (object: JsonObject) => Result<JsonObject, string>;

/** Reads a patch. Strategic patches are taken as merge patches; their `$` directives are left out. */
export function readPatch(type: string, body: Json): Result<Patch, string> {
  if (type === JSON_PATCH_TYPE) return readJsonPatch(body);
  if (!isJsonObject(body)) return fail('the patch must be an object');
  const patch = type === STRATEGIC_PATCH_TYPE ? withoutDirectives(body) : body;
  return ok((object) => {
    const merged = mergePatch(object, patch);
    return isJsonObject(merged) ? ok(merged) : fail('the patch must leave an object');
  });
}

/** RFC 7396. */
function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map<string, Json>(isJsonObject(target) ? definedEntries(target) : []);
  for (const [name, value] of definedEntries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

function withoutDirectives(patch: JsonObject): JsonObject {
  const kept = definedEntries(patch).filter(([name]) => !name.startsWith('$'));
  return Object.fromEntries(
    kept.map(([name, value]): [string, Json] => [name, isJsonObject(value) ? withoutDirectives(value) : value]),
  );
}

function readJsonPatch(body: Json): Result<Patch, string> {
  if (!Array.isArray(body)) return fail('a JSON patch must be a list of operations');
  const operations = body as readonly Json[];
  if (operations.length > MAX_PATCH_OPERATIONS) {
    return fail(`a JSON patch may have at most ${MAX_PATCH_OPERATIONS} operations, not ${operations.length}`);
  }
  return ok((object) => applyOperations(object, operations));
}

function applyOperations(object: JsonObject, operations: readonly Json[]): Result<JsonObject, string> {
  let document: Json = structuredClone(object);
  let copied = 0;
  for (const [index, operation] of operations.entries()) {
    try {
      const { op, from } = operation as { readonly op: string; readonly from?: string };
      if (op === 'copy' && from !== undefined) {
        // Copies of copies double in size with each operation.
        copied += JSON.stringify(jsonPatch.getValueByPointer(document, from) ?? null).length;
        if (copied > BODY_LIMIT_BYTES) return fail(`operation ${index} copies more than ${BODY_LIMIT_BYTES} bytes`);
      }
      const result = jsonPatch.applyOperation(document, operation as unknown as jsonPatch.Operation, false, true, true);
      if (result.test === false) return fail(`operation ${index}: the value to test differs`);
      document = result.newDocument as Json;
    } catch (error) {
      return fail(operationFault(index, operation, error));
    }
  }
  return isJsonObject(document) ? ok(document) : fail('the patch must leave an object');
}

function operationFault(index: number, operation: Json, error: unknown): string {
  const path = isJsonObject(operation) ? JSON.stringify(operation['path'] ?? '') : '""';
  const reason = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  return `operation ${index} on ${path}: ${reason}`;
}

function definedEntries(object: JsonObject): readonly [string, Json][] {
  return Object.entries(object).filter((entry): entry is [string, Json] => entry[1] !== undefined);
}
