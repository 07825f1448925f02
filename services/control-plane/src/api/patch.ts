import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';
import { type Patch, readJsonPatch } from './json-patch.ts';

export const MERGE_PATCH_TYPE = 'application/merge-patch+json';
export const JSON_PATCH_TYPE = 'application/json-patch+json';
export const STRATEGIC_PATCH_TYPE = 'application/strategic-merge-patch+json';
export const APPLY_PATCH_TYPE = 'application/apply-patch+yaml';

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

function definedEntries(object: JsonObject): readonly [string, Json][] {
  return Object.entries(object).filter((entry): entry is [string, Json] => entry[1] !== undefined);
}
