import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';
import jsonPatch from 'fast-json-patch';
import { fail, ok, type Result } from '../command/index.ts';
import { BODY_LIMIT_BYTES, MAX_PATCH_OPERATIONS } from './limits.ts';

/** Changes an object as a patch says; the reason when it cannot. */
export type Patch = (object: JsonObject) => Result<JsonObject, string>;

/** Reads a JSON patch (RFC 6902). */
export function readJsonPatch(body: Json): Result<Patch, string> {
  if (!Array.isArray(body)) return fail('a JSON patch must be a list of operations');
  const other = body.findIndex((operation) => !isJsonObject(operation));
  if (other !== -1) return fail(`operation ${other}: must be an object`);
  const operations = (body as readonly Json[]).filter(isJsonObject);
  if (operations.length > MAX_PATCH_OPERATIONS) {
    return fail(`a JSON patch may have at most ${MAX_PATCH_OPERATIONS} operations, not ${operations.length}`);
  }
  return ok((object) => applyOperations(object, operations));
}

/** What would reach what all objects share; the library refuses it too, in words about itself. */
const PROTOTYPE = /(?:^|\/)(__proto__|constructor(?=\/prototype(?:\/|$)))(?:\/|$)/;

function applyOperations(object: JsonObject, operations: readonly JsonObject[]): Result<JsonObject, string> {
  let document: Json = structuredClone(object);
  let budget = BODY_LIMIT_BYTES;
  for (const [index, operation] of operations.entries()) {
    const at = `operation ${index}`;
    const banned = PROTOTYPE.exec(String(operation['path']))?.[1];
    if (banned !== undefined) {
      return fail(
        `${at} on ${JSON.stringify(operation['path'])}: the field name ${JSON.stringify(banned)} is not allowed`,
      );
    }
    const steps = withoutFrom(document, operation);
    if (!steps.ok) return fail(`${at}: ${steps.error}`);
    // Copies of copies double in size with each operation.
    if (operation['op'] === 'copy') budget -= JSON.stringify(steps.value).length;
    if (budget < 0) return fail(`${at}: copies more than ${BODY_LIMIT_BYTES} bytes in all`);
    for (const step of steps.value) {
      try {
        // The library checks the operation itself, so what it is given may be anything.
        const given = step as unknown as jsonPatch.Operation;
        document = jsonPatch.applyOperation(document, given, true, true, true).newDocument as Json;
      } catch (error) {
        const reason = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
        return fail(`${at} on ${JSON.stringify(operation['path'] ?? '')}: ${reason}`);
      }
    }
  }
  return isJsonObject(document) ? ok(document) : fail('the patch must leave an object');
}

/** `copy` and `move` as `add` and `remove`: the library would copy the whole document to check each of them. */
function withoutFrom(document: Json, operation: JsonObject): Result<readonly JsonObject[], string> {
  const { op, from, path } = operation;
  if (op !== 'copy' && op !== 'move') return ok([operation]);
  if (typeof from !== 'string' || typeof path !== 'string') return fail(`${op} needs from and path`);
  const value = readPointer(document, from);
  if (value === undefined) return fail(`${op} from ${JSON.stringify(from)}, which does not exist`);
  const add = { op: 'add', path, value: structuredClone(value) };
  if (op === 'copy') return ok([add]);
  return path.startsWith(`${from}/`) ? fail('move into itself') : ok([{ op: 'remove', path: from }, add]);
}

function readPointer(document: Json, pointer: string): Json | undefined {
  if (pointer !== '' && !pointer.startsWith('/')) return undefined;
  let value: Json | undefined = document;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}
