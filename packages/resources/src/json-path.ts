import type { Json } from './object.ts';
import { isJsonObject } from './validation/structure.ts';

const STEP = /\.([A-Za-z][A-Za-z0-9]*)|\[\*\]|\[\?\(@\.([A-Za-z]+)=='([^']*)'\)\]/gy;

/**
 * Everything that a path points at, in the subset of JSONPath that printer columns use:
 * `.a.b`, `[*]` and `[?(@.type=='Accepted')]`.
 */
export function readPath(value: Json, path: string): readonly Json[] {
  let found: readonly Json[] = [value];
  let length = 0;
  for (const [step, field, filterField, wanted] of path.matchAll(STEP)) {
    length += step.length;
    if (field !== undefined) {
      found = found.flatMap((item) => member(item, field));
    } else {
      const items = found.flatMap((item) => (Array.isArray(item) ? (item as readonly Json[]) : []));
      found =
        filterField === undefined ? items : items.filter((item) => member(item, filterField).includes(wanted ?? ''));
    }
  }
  if (length !== path.length) throw new Error(`column path ${JSON.stringify(path)} is outside of the supported subset`);
  return found;
}

function member(item: Json, name: string): readonly Json[] {
  if (!isJsonObject(item) || !Object.hasOwn(item, name)) return [];
  const value = item[name];
  return value === undefined || value === null ? [] : [value];
}
