import type { ObjectFilter } from '@pulseplane/event-log';
import type { StoredObject } from '@pulseplane/resources';
import { fail, ok, type Result } from '../command/index.ts';
import type { Selector } from './selectors.ts';
import { readNumber } from './watch/watch-request.ts';

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
export function readListRequest(query: Query): Result<ListRequest, string> {
  const limit = readNumber(query, 'limit');
  if (!limit.ok) return limit;
  const version = readNumber(query, 'resourceVersion');
  if (!version.ok) return version;
  const { continue: token = '', resourceVersionMatch: match = '' } = query;
  const asked = { limit: limit.value === 0 ? undefined : limit.value, after: undefined };
  if (token !== '') {
    if (match !== '') return fail('resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for continue');
    if ((version.value ?? 0) > 0) return fail('specifying resource version is not allowed when using continue');
    const page = typeof token === 'string' ? readToken(token) : undefined;
    return page === undefined ? fail('continue key is not valid') : ok({ ...asked, ...page, notOlderThan: 0 });
  }
  const notOlderThan = version.value ?? 0;
  if (match === '') return ok({ ...asked, seq: undefined, notOlderThan });
  if (typeof match !== 'string' || !MATCHES.includes(match)) {
    const rule = 'supported values: "Exact", "NotOlderThan", ""';
    return fail(`resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: ${rule}`);
  }
  if (version.value === undefined) {
    return fail(
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    );
  }
  if (match === 'NotOlderThan') return ok({ ...asked, seq: undefined, notOlderThan });
  if (version.value > 0) return ok({ ...asked, seq: version.value, notOlderThan });
  return fail('resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
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
