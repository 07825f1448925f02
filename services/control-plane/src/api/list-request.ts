import type { ObjectFilter } from '@pulseplane/event-log';
import { type FieldError, forbiddenField, type StoredObject, unsupportedValue } from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';
import type { Selector } from './selectors.ts';
import { badRequest, invalidOptions, type Status } from './status.ts';
import { readBoolean, readCount, readNumber } from './watch/watch-request.ts';

type Query = Readonly<Record<string, unknown>>;
type Names = NonNullable<ObjectFilter['after']>;

/** What a client asks of a list, besides which objects. */
export type ListRequest = {
  /** At most so many objects; undefined: all. */
  readonly limit: number | undefined;
  /** The list as it was right after this event: of an exact version, or of the page that this one goes on from. */
  readonly seq: number | undefined;
  /** The version that the list must have reached. */
  readonly notOlderThan: number;
  /** The last object of the page before. */
  readonly after: Names | undefined;
};

const MATCHES = ['Exact', 'NotOlderThan'];

/**
 * Reads limit, continue, resourceVersion and resourceVersionMatch, with the rules and words of Kubernetes.
 * Every page of a list shows the state that the first was read from; it stays known for as long as the log holds it.
 */
export function readListRequest(query: Query): Result<ListRequest, Status> {
  const limit = readCount(query, 'limit');
  if (!limit.ok) return fail(badRequest(limit.error));
  const version = readNumber(query, 'resourceVersion');
  if (!version.ok) return fail(badRequest(version.error));
  const { continue: token = '', resourceVersionMatch: match = '' } = query;
  const faults = [...matchFaults(match, version.value, token !== ''), ...initialEventsFaults(query)];
  if (faults.length > 0) return fail(invalidOptions('ListOptions', faults));
  const asked = { limit: limit.value, after: undefined };
  const notOlderThan = version.value ?? 0;
  if (token === '') return ok({ ...asked, seq: match === 'Exact' ? version.value : undefined, notOlderThan });
  if (notOlderThan > 0) return fail(badRequest('specifying resource version is not allowed when using continue'));
  const page = typeof token === 'string' ? readToken(token) : undefined;
  return page === undefined ? fail(badRequest('continue key is not valid')) : ok({ ...asked, ...page, notOlderThan });
}

function matchFaults(match: unknown, version: number | undefined, continues: boolean): readonly FieldError[] {
  const field = 'resourceVersionMatch';
  if (match === '') return [];
  return [
    ...(version === undefined
      ? [forbiddenField(field, `${field} is forbidden unless resourceVersion is provided`)]
      : []),
    ...(continues ? [forbiddenField(field, `${field} is forbidden for continue`)] : []),
    ...(MATCHES.includes(String(match)) ? [] : [unsupportedValue(field, String(match), [...MATCHES, ''])]),
    ...(match === 'Exact' && version === 0
      ? [forbiddenField(field, `${field} "exact" is forbidden for resourceVersion "0"`)]
      : []),
  ];
}

function initialEventsFaults(query: Query): readonly FieldError[] {
  const field = 'sendInitialEvents';
  return readBoolean(query, field) === undefined ? [] : [forbiddenField(field, `${field} is forbidden for list`)];
}

/** The selected objects up to a limit, and whether there are more. */
export function takePage(
  objects: Iterable<StoredObject>,
  selects: Selector,
  limit = Number.POSITIVE_INFINITY,
): { readonly items: readonly StoredObject[]; readonly more: boolean } {
  const items: StoredObject[] = [];
  for (const stored of objects) {
    if (!selects(stored)) continue;
    if (items.length === limit) return { items, more: true };
    items.push(stored);
  }
  return { items, more: false };
}

/** Where the next page begins, in a form that clients hand back as it is. */
export function continueToken(seq: number, { namespace, name }: Names): string {
  return Buffer.from(JSON.stringify([seq, namespace, name])).toString('base64url');
}

function readToken(token: string): { readonly seq: number; readonly after: Names } | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts)) return undefined;
  const [seq, namespace, name] = parts as readonly unknown[];
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) return undefined;
  return typeof namespace === 'string' && typeof name === 'string' ? { seq, after: { namespace, name } } : undefined;
}
