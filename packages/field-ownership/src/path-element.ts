import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';
import { compareJson, goJson, printValue } from './json-value.ts';

/**
 * One step down into an object, as Kubernetes writes it: `f:NAME` a field, `k:{KEYS}` the item of a list with these
 * keys, `v:VALUE` the item of a set, `i:INDEX` the item of a list.
 */
export type PathElement = string;

const KINDS = 'fkvi';

/** The step to a field. */
export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** The step to the item that has these values of the list's keys; `keys` are sorted. */
export function keyElement(keys: readonly string[], valueAt: (key: string) => Json): PathElement {
  return `k:{${keys.map((key) => `${JSON.stringify(key)}:${goJson(valueAt(key))}`).join(',')}}`;
}

/** The step to an item of a set. */
export function valueElement(value: Json): PathElement {
  return `v:${goJson(value)}`;
}

/** The name of the field that a step leads to; undefined for a step into a list. */
export function fieldName(element: PathElement): string | undefined {
  return element.startsWith('f:') ? element.slice(2) : undefined;
}

/** A step as somebody wrote it, in the one form that it has here; undefined when it is none. */
export function readElement(text: string): { readonly known: boolean; readonly element: PathElement } | undefined {
  if (text.length < 2 || text[1] !== ':') return undefined;
  switch (text[0]) {
    case 'f':
      return { known: true, element: text };
    case 'k': {
      const keys = readJson(text.slice(2));
      if (!isJsonObject(keys)) return undefined;
      return { known: true, element: keyElement(Object.keys(keys).sort(), (key) => keys[key] ?? null) };
    }
    case 'v': {
      const value = readJson(text.slice(2));
      return value === undefined ? undefined : { known: true, element: valueElement(value) };
    }
    case 'i':
      return /^[+-]?\d+$/.test(text.slice(2)) ? { known: true, element: `i:${Number(text.slice(2))}` } : undefined;
    default:
      // What a later version may know: Kubernetes leaves it out.
      return { known: false, element: text };
  }
}

/** The order of steps in a set: fields, keys, values, indices. */
export function compareElements(a: PathElement, b: PathElement): number {
  const byKind = KINDS.indexOf(a[0] ?? '') - KINDS.indexOf(b[0] ?? '');
  if (byKind !== 0 || a === b) return byKind;
  if (a.startsWith('f:')) return a < b ? -1 : 1;
  return compareJson(JSON.parse(a.slice(2)) as Json, JSON.parse(b.slice(2)) as Json);
}

/** A way as Kubernetes prints it: `.spec.listeners[name="http"].port`. */
export function printPath(path: readonly PathElement[]): string {
  return path.map(printElement).join('');
}

/** One step as Kubernetes prints it. */
export function printElement(element: PathElement): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('i:')) return `[${rest}]`;
  if (element.startsWith('v:')) return `[=${printValue(JSON.parse(rest) as Json)}]`;
  const keys = Object.entries(JSON.parse(rest) as JsonObject);
  return `[${keys.map(([key, value]) => `${key}=${printValue(value ?? null)}`).join(',')}]`;
}

function readJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
