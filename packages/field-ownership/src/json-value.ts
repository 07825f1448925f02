import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';

const RANKS: readonly string[] = ['number', 'string', 'boolean', 'list', 'map', 'null'];

/** JSON as Go's encoder writes it, which also escapes what HTML could misread; the keys of objects are sorted. */
export function goJson(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(goJson).join(',')}]`;
  if (isJsonObject(value)) {
    const fields = definedNames(value).sort();
    return `{${fields.map((name) => `${goText(name)}:${goJson(value[name] ?? null)}`).join(',')}}`;
  }
  return typeof value === 'string' ? goText(value) : JSON.stringify(value);
}

/** Whether two values are the same, whatever the order of their fields. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    const items = a as readonly Json[];
    return Array.isArray(b) && items.length === b.length && items.every((item, index) => sameJson(item, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const names = definedNames(a);
  return (
    names.length === definedNames(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
}

/** A total order of values: numbers, text, booleans, lists, maps, null. */
export function compareJson(a: Json, b: Json): number {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  if (Array.isArray(a) && Array.isArray(b)) return compareSequences(a, b, compareJson);
  if (isJsonObject(a) && isJsonObject(b)) return compareSequences(sortedEntries(a), sortedEntries(b), compareEntries);
  if (a === b || a === null || b === null) return 0;
  return a < b ? -1 : 1;
}

/** A value as Kubernetes prints it within a path. */
export function printValue(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(printValue).join(',')}]`;
  if (isJsonObject(value)) {
    return sortedEntries(value)
      .map(([name, field]) => `${name}=${printValue(field)}`)
      .join('');
  }
  return JSON.stringify(value);
}

/** Whether a value is a map or a list with nothing in it, or null. */
export function isBlank(value: Json | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (!isJsonObject(value)) return false;
  for (const name in value) if (value[name] !== undefined) return false;
  return true;
}

/** The names of the fields that have a value. */
export function definedNames(object: JsonObject): string[] {
  return Object.keys(object).filter((name) => object[name] !== undefined);
}

function goText(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function rankOf(value: Json): number {
  const kind = Array.isArray(value) ? 'list' : isJsonObject(value) ? 'map' : value === null ? 'null' : typeof value;
  return RANKS.indexOf(kind);
}

function compareSequences<Item>(a: readonly Item[], b: readonly Item[], compare: (a: Item, b: Item) => number): number {
  for (const [index, item] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compare(item, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function sortedEntries(object: JsonObject): readonly (readonly [string, Json])[] {
  return definedNames(object)
    .sort()
    .map((name) => [name, object[name] ?? null]);
}

function compareEntries(a: readonly [string, Json], b: readonly [string, Json]): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return compareJson(a[1], b[1]);
}
