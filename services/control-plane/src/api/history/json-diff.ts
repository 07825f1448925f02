import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type Json } from '@pulseplane/resources';

/** One difference between two values. Without `before` it was added, without `after` removed. */
export type Change = { readonly path: string; readonly before?: Json; readonly after?: Json };

const PLAIN_KEY = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
/** A text that cannot be taken for anything else when it stands without quotes. */
const PLAIN_TEXT = /^[A-Za-z0-9_./:*@%+-]+$/;
const MAX_VALUE_LENGTH = 200;

/** The differences of two values, leaf by leaf, in the order of their keys. An absent value has no leaves. */
export function diffJson(before: Json | undefined, after: Json | undefined): readonly Change[] {
  const changes: Change[] = [];
  walk('', before, after, changes);
  return changes;
}

/** `spec.tcp.time: 30s -> 60s`, `+ spec.tcp.time: 30s`, `- spec.tcp.time: 30s`. */
export function changeLine({ path, before, after }: Change): string {
  if (before === undefined) return `+ ${path}: ${valueText(after)}`;
  if (after === undefined) return `- ${path}: ${valueText(before)}`;
  return `${path}: ${valueText(before)} -> ${valueText(after)}`;
}

function walk(path: string, before: Json | undefined, after: Json | undefined, changes: Change[]): void {
  if (before === after) return;
  if (isContainer(before ?? after, after ?? before, isJsonObject)) {
    const [old, now] = [asObject(before), asObject(after)];
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      walk(join(path, key), own(old, key), own(now, key), changes);
    }
  } else if (isContainer(before ?? after, after ?? before, isArray)) {
    walkLists(path, asList(before), asList(after), changes);
  } else {
    changes.push({ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) });
  }
}

/** Whether both are of the type and filled: an empty one has no leaves that could tell of it. */
function isContainer(
  a: Json | undefined,
  b: Json | undefined,
  isOfType: (value: Json | undefined) => boolean,
): boolean {
  return [a, b].every((value) => isOfType(value) && Object.keys(value ?? {}).length > 0);
}

/** What is equal at both ends is left out, so that an item put in between does not change all after it. */
function walkLists(path: string, before: readonly Json[], after: readonly Json[], changes: Change[]): void {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isDeepStrictEqual(before[start], after[start])) start += 1;
  let end = 0;
  while (end < shorter - start && isDeepStrictEqual(before.at(-1 - end), after.at(-1 - end))) end += 1;
  const longer = Math.max(before.length, after.length) - end;
  for (let index = start; index < longer; index++) {
    const at = (list: readonly Json[]): Json | undefined => (index < list.length - end ? list[index] : undefined);
    walk(`${path}[${index}]`, at(before), at(after), changes);
  }
}

function join(path: string, key: string): string {
  if (!PLAIN_KEY.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

function own(object: { readonly [key: string]: Json | undefined }, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function asObject(value: Json | undefined): { readonly [key: string]: Json | undefined } {
  return isJsonObject(value) ? value : {};
}

function asList(value: Json | undefined): readonly Json[] {
  return isArray(value) ? value : [];
}

function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function valueText(value: Json | undefined): string {
  const isPlain = typeof value === 'string' && PLAIN_TEXT.test(value) && !isOtherJson(value);
  const text = isPlain ? value : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${[...text].slice(0, MAX_VALUE_LENGTH).join('')}...` : text;
}

/** `true`, `null` and `12` are texts only in quotes. */
function isOtherJson(text: string): boolean {
  return ['true', 'false', 'null'].includes(text) || !Number.isNaN(Number(text));
}
