import { type FieldError, forbiddenField, unsupportedValue } from '@pulseplane/resources';
import { fail, ok, type Result } from '../../command/index.ts';
import { badRequest, invalidOptions, type Status } from '../status.ts';

/** Where a watch begins. */
type WatchStart =
  /** With the objects that are there, then what happens. */
  | { readonly from: 'present'; readonly notOlderThan: number }
  /** With what happens from now on. */
  | { readonly from: 'now' }
  /** With what happened after an event. */
  | { readonly from: 'version'; readonly version: number };

/** What a client asks of a watch, besides which objects. */
export type WatchRequest = {
  readonly start: WatchStart;
  readonly bookmarks: boolean;
  /** Say when the present objects are all there. */
  readonly endsInitialEvents: boolean;
  /** Undefined: as long as the server likes. */
  readonly timeoutSeconds: number | undefined;
};

type Query = Readonly<Record<string, unknown>>;

/** Whether a list is asked to be a watch. */
export function wantsWatch(query: Query): boolean {
  return readBoolean(query, 'watch') === true;
}

/** What is wrong with the numbers that lists and watches share: Kubernetes reads them all, whatever is asked for. */
export function listOptionsFault(query: Query): Status | undefined {
  for (const name of ['limit', 'timeoutSeconds']) {
    const read = readCount(query, name);
    if (!read.ok) return badRequest(read.error);
  }
  return undefined;
}

/** Reads resourceVersion, resourceVersionMatch, sendInitialEvents, allowWatchBookmarks and timeoutSeconds. */
export function readWatchRequest(query: Query): Result<WatchRequest, Status> {
  const version = readNumber(query, 'resourceVersion');
  if (!version.ok) return fail(badRequest(version.error));
  const timeout = readCount(query, 'timeoutSeconds');
  if (!timeout.ok) return fail(badRequest(timeout.error));
  const initial = readBoolean(query, 'sendInitialEvents');
  const faults = matchFaults(query['resourceVersionMatch'] ?? '', initial !== undefined);
  if (faults.length > 0) return fail(invalidOptions('ListOptions', faults));
  return ok({
    start: startOf(version.value ?? 0, initial),
    bookmarks: readBoolean(query, 'allowWatchBookmarks') ?? false,
    endsInitialEvents: initial ?? false,
    timeoutSeconds: timeout.value,
  });
}

function matchFaults(match: unknown, sendsInitialEvents: boolean): readonly FieldError[] {
  const field = 'resourceVersionMatch';
  const isNotOlderThan = match === 'NotOlderThan';
  return [
    ...(match !== '' && !sendsInitialEvents
      ? [forbiddenField(field, `${field} is forbidden for watch unless sendInitialEvents is provided`)]
      : []),
    ...(match !== '' && !isNotOlderThan ? [unsupportedValue(field, String(match), ['NotOlderThan'])] : []),
    ...(sendsInitialEvents && !isNotOlderThan
      ? [forbiddenField(field, `sendInitialEvents requires setting ${field} to NotOlderThan`)]
      : []),
  ];
}

/** Version 0 and none are the same: any version will do, so the newest does. */
function startOf(version: number, sendInitialEvents: boolean | undefined): WatchStart {
  if (sendInitialEvents === true) return { from: 'present', notOlderThan: version };
  if (version > 0) return { from: 'version', version };
  return sendInitialEvents === false ? { from: 'now' } : { from: 'present', notOlderThan: 0 };
}

/** A whole number that is not negative; absent and empty are the same. */
export function readNumber(query: Query, name: string): Result<number | undefined, string> {
  const text = query[name] ?? '';
  if (text === '') return ok(undefined);
  const value = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  return value === undefined ? fail(`${name}: Invalid value: ${JSON.stringify(text)}: must be a number`) : ok(value);
}

/** A whole number of which, as in Kubernetes, zero and less mean that there is no bound. */
export function readCount(query: Query, name: string): Result<number | undefined, string> {
  const text = query[name];
  if (typeof text === 'string' && /^-\d{1,15}$/.test(text)) return ok(undefined);
  const read = readNumber(query, name);
  return read.ok && read.value === 0 ? ok(undefined) : read;
}

/** As Kubernetes reads it: `false` and `0` are false, all else that is given is true, also nothing (`?watch`). */
export function readBoolean(query: Query, name: string): boolean | undefined {
  const given = query[name];
  const text: unknown = Array.isArray(given) ? given[0] : given;
  return text === undefined ? undefined : !['false', '0'].includes(String(text).toLowerCase());
}
