import type { Rejection } from './message.ts';

/** Envoy cuts its texts there too. In UTF-16 units. */
const MAX_LENGTH = 4096;

/** What is kept at least of each error of a list, however long the list is. */
const LEAST_LENGTH = 256;

/** The text of a NACK, as agentgateway writes it: which resources are bad; the others of the response are applied. */
export function formatRejections(rejections: readonly Rejection[]): string {
  return JSON.stringify(rejections.map(({ name, error }) => ({ key: name, error })));
}

/**
 * Which of the resources `names` of a response a NACK refuses: agentgateway's list, or Envoy's `Error adding/updating
 * cluster(s) NAME: reason` (then the others and the removals are applied). Undefined for any other text: nothing is
 * known per resource.
 */
export function parseRejections(text: string, names: readonly string[]): readonly Rejection[] | undefined {
  return parseList(text, names) ?? parseEnvoyText(text, names);
}

function parseList(text: string, names: readonly string[]): readonly Rejection[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length === 0 || !parsed.every(isListed)) return undefined;
  // What agentgateway only warns of is in force.
  const refused = parsed.filter(({ error, warn }) => error !== undefined || warn === undefined);
  // A client can refuse only what it was sent. A list of nothing but other names says nothing of that.
  const sent = new Set(names);
  const known = refused.filter(({ key }) => sent.has(key));
  if (refused.length > 0 && known.length === 0) return undefined;
  const length = Math.max(LEAST_LENGTH, Math.floor(MAX_LENGTH / known.length));
  return known.map(({ key, error }) => ({ name: key, error: cut(String(error ?? ''), length) }));
}

function isListed(
  entry: unknown,
): entry is { readonly key: string; readonly error?: unknown; readonly warn?: unknown } {
  return typeof entry === 'object' && entry !== null && 'key' in entry && typeof entry.key === 'string';
}

function parseEnvoyText(text: string, names: readonly string[]): readonly Rejection[] | undefined {
  const prefix = /^Error adding\/updating (?:listener|cluster)\(s\) /.exec(text)?.[0];
  // A cut text may have lost names.
  if (prefix === undefined || text.endsWith(TRUNCATED)) return undefined;
  const rest = text.slice(prefix.length);
  const found = names
    .map((name) => ({ name, at: rest.startsWith(`${name}: `) ? 0 : startOf(rest, name) }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at);
  if (found[0]?.at !== 0) return undefined;
  return found.map(({ name, at }, index) => {
    const end = found[index + 1]?.at ?? rest.length;
    return { name, error: rest.slice(at + name.length + 2, end).replace(/[,\s]+$/, '') };
  });
}

function startOf(text: string, name: string): number {
  const at = Math.max(text.indexOf(`, ${name}: `), text.indexOf(`\n${name}: `));
  if (at < 0) return -1;
  return text.startsWith(',', at) ? at + 2 : at + 1;
}

const TRUNCATED = '...(truncated)';

/** A client's error text without the keys that Envoy's dumps of a rejected message hold. */
export function withoutKeys(text: string): string {
  return text
    .replaceAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[private key]')
    .replaceAll(/(inline_(?:string|bytes)"?\s*:\s*)"(?:[^"\\]|\\[\s\S])*(?:"|$)/g, '$1"[hidden]"');
}

/** A client's text, bounded as it may be kept and shown. */
export function cut(text: string, length = MAX_LENGTH): string {
  return text.length > length ? `${text.slice(0, length)}${TRUNCATED}` : text;
}
