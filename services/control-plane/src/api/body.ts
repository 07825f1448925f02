import type { Json } from '@pulseplane/resources';
import { loadAll } from 'js-yaml';
import { fail, ok, type Result } from '../command/index.ts';
import { scanJson } from './json-scan.ts';
import { MAX_DEPTH, MAX_NODES } from './limits.ts';

/** The type of a Content-Type header, without its parameters. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** What JavaScript adds to say where the fault is: some of the text, which may be a Secret's. */
const QUOTED_BODY = /, (?:\.\.\.)?".*$/;

/** Reads one JSON value. Refuses what a reader could take in two ways: repeated keys, `__proto__`. */
export function parseJson(bytes: Uint8Array): Result<Json, string> {
  const text = decodeUtf8(bytes);
  if (!text.ok) return text;
  const scan = scanJson(text.value);
  if (scan.depth > MAX_DEPTH) return fail(`the body is nested ${scan.depth} deep; at most ${MAX_DEPTH} is allowed`);
  let value: Json;
  try {
    value = JSON.parse(text.value) as Json;
  } catch (error) {
    return fail(`the body is not JSON: ${messageOf(error).replace(QUOTED_BODY, '')}`);
  }
  if (scan.duplicates.length > 0) {
    return fail(
      `duplicate field ${scan.duplicates
        .slice(0, 10)
        .map((path) => JSON.stringify(path))
        .join(', ')}`,
    );
  }
  for (const key of scan.keys) if (key === '__proto__') return fail('the field name "__proto__" is not allowed');
  const fault = ESCAPE.test(text.value) ? unicodeFault(value) : undefined;
  return fault === undefined ? ok(value) : fail(fault);
}

/** Reads exactly one YAML document. */
export function parseYaml(bytes: Uint8Array): Result<Json, string> {
  const documents = parseYamlStream(bytes);
  if (!documents.ok) return documents;
  const [document, ...others] = documents.value;
  if (document === undefined) return fail('the body is empty');
  return others.length === 0 ? ok(document) : fail(`the body holds ${others.length + 1} YAML documents; send one`);
}

/** Reads a stream of YAML documents from a body. */
export function parseYamlStream(bytes: Uint8Array): Result<readonly Json[], string> {
  const text = decodeUtf8(bytes);
  return text.ok ? parseYamlDocuments(text.value) : text;
}

/** Reads a stream of YAML documents, leaving empty ones out. Aliases are written out, within limits. */
export function parseYamlDocuments(text: string): Result<readonly Json[], string> {
  let loaded: readonly unknown[];
  try {
    loaded = loadAll(text, { maxDepth: MAX_DEPTH });
  } catch (error) {
    return fail(`the text is not YAML: ${messageOf(error)}`);
  }
  const budget = { nodes: MAX_NODES };
  const escaped = ESCAPE.test(text);
  const documents: Json[] = [];
  for (const document of loaded) {
    if (document === null || document === undefined) continue;
    const copied = copyJson(document, 1, budget);
    if (!copied.ok) return copied;
    const fault = escaped ? unicodeFault(copied.value) : undefined;
    if (fault !== undefined) return fail(fault);
    documents.push(copied.value);
  }
  return ok(documents);
}

/** A text that was UTF-8 has halves of surrogate pairs by escapes only, such as "\\ud800". */
const ESCAPE = /\\u/i;

/** Why a value cannot be stored: UTF-8 cannot hold half of a surrogate pair, and other readers fail on its escape. */
function unicodeFault(value: Json): string | undefined {
  const found = findHalf(value);
  if (found === undefined) return undefined;
  const field = found.path.length === 0 ? 'the body' : found.path.join('.');
  // JSON.stringify writes a half as its escape.
  return `${field}: Invalid value: ${JSON.stringify(found.text)}: must be Unicode text, not half of a surrogate pair`;
}

/** The first half of a surrogate pair, in a string or name, and the field that has it. */
function findHalf(value: unknown): { readonly path: readonly string[]; readonly text: string } | undefined {
  if (typeof value === 'string') {
    const [half] = /\p{Surrogate}/u.exec(value) ?? [];
    return half === undefined ? undefined : { path: [], text: half };
  }
  for (const [name, item] of Object.entries(value ?? {})) {
    const inName = findHalf(name);
    if (inName !== undefined) return inName;
    const inItem = findHalf(item);
    if (inItem !== undefined) return { ...inItem, path: [name, ...inItem.path] };
  }
  return undefined;
}

/** Copies what YAML gave, so that no two places share a value, and refuses what JSON cannot say. */
function copyJson(value: unknown, depth: number, budget: { nodes: number }): Result<Json, string> {
  budget.nodes -= 1;
  if (budget.nodes < 0) return fail(`the text holds more than ${MAX_NODES} values`);
  if (depth > MAX_DEPTH) return fail(`the text is nested more than ${MAX_DEPTH} deep`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return ok(value);
  if (typeof value === 'number') return Number.isFinite(value) ? ok(value) : fail(`${value} is not a JSON number`);
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value as readonly unknown[]) {
      const copied = copyJson(item, depth + 1, budget);
      if (!copied.ok) return copied;
      items.push(copied.value);
    }
    return ok(items);
  }
  if (typeof value !== 'object') return fail(`a value of type ${typeof value} is not allowed`);
  const fields: [string, Json][] = [];
  for (const [name, field] of Object.entries(value)) {
    if (name === '__proto__') return fail('the field name "__proto__" is not allowed');
    const copied = copyJson(field, depth + 1, budget);
    if (!copied.ok) return copied;
    fields.push([name, copied.value]);
  }
  return ok(Object.fromEntries(fields));
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(bytes: Uint8Array): Result<string, string> {
  try {
    return ok(UTF8.decode(bytes));
  } catch {
    return fail('the body is not UTF-8');
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
