import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';
import { type FieldSet, LEAF, readFieldSet, union } from './field-set.ts';

/** How a manager came to its fields. */
export type Operation = 'Apply' | 'Update';

/** What one manager owns of an object, as it stands in `metadata.managedFields`. */
export type ManagedFieldsEntry = {
  readonly apiVersion: string;
  readonly fieldsType: 'FieldsV1';
  readonly fieldsV1: FieldSet;
  readonly manager: string;
  readonly operation: Operation;
  readonly subresource?: string;
  /** When the manager last changed something: RFC 3339, UTC, whole seconds. */
  readonly time?: string;
};

/** The entries of an object, each under what identifies it. */
export type Owners = ReadonlyMap<string, ManagedFieldsEntry>;

/** How many entries of updates an object may have; older ones are merged into one of this manager. */
const MAX_UPDATE_ENTRIES = 10;
const OLD_UPDATES = 'ancient-changes';

/** What an entry is known by. Whoever applies is the same in every version. */
export function identify({
  manager,
  operation,
  apiVersion,
  subresource,
}: Omit<ManagedFieldsEntry, 'fieldsV1'>): string {
  // The order of Kubernetes' own identifiers, because ties are broken by comparing them.
  return JSON.stringify({ manager, operation, ...(operation === 'Update' && { apiVersion }), subresource });
}

/** Reads `metadata.managedFields`; undefined when an entry is malformed. */
export function readOwners(managedFields: Json | undefined): Owners | undefined {
  const owners = new Map<string, ManagedFieldsEntry>();
  if (managedFields === undefined || managedFields === null) return owners;
  if (!Array.isArray(managedFields)) return undefined;
  for (const json of managedFields as readonly Json[]) {
    const entry = isJsonObject(json) ? readEntry(json) : undefined;
    if (entry === undefined) return undefined;
    owners.set(identify(entry), entry);
  }
  return owners;
}

/** Whether a writer asks that nobody be tracked any more: an empty list, or a list of one empty entry. */
export function isReset(managedFields: Json | undefined): boolean {
  if (!Array.isArray(managedFields) || managedFields.length > 1) return false;
  const [entry] = managedFields as readonly Json[];
  return entry === undefined || (isJsonObject(entry) && Object.keys(entry).length === 0);
}

/** The entries in the order of `metadata.managedFields`. */
export function listOwners(owners: Owners): readonly ManagedFieldsEntry[] {
  return [...owners.values()].sort(
    (a, b) =>
      compareText(a.operation, b.operation) ||
      compareText(a.time ?? '', b.time ?? '') ||
      compareText(a.manager, b.manager) ||
      compareText(a.apiVersion, b.apiVersion) ||
      compareText(a.subresource ?? '', b.subresource ?? ''),
  );
}

/** Merges the oldest entries of updates into one for each version, until there are no more than allowed. */
export function capUpdates(owners: Owners): Owners {
  const updates = [...owners].filter(([, { operation }]) => operation === 'Update');
  if (updates.length <= MAX_UPDATE_ENTRIES) return owners;
  updates.sort(
    ([a, { time: aTime = '' }], [b, { time: bTime = '' }]) => compareText(aTime, bTime) || compareText(a, b),
  );
  const capped = new Map(owners);
  const firstOfVersion = new Map<string, string>();
  let count = updates.length;
  for (const [id, entry] of updates) {
    if (count <= MAX_UPDATE_ENTRIES) break;
    const { apiVersion, time } = entry;
    const first = firstOfVersion.get(apiVersion);
    if (first === undefined) {
      firstOfVersion.set(apiVersion, id);
      continue;
    }
    const { time: _, subresource: __, ...merged } = { ...entry, manager: OLD_UPDATES };
    const bucket = identify(merged);
    const before = capped.get(bucket) ?? capped.get(first);
    if (!capped.has(bucket)) capped.delete(first);
    capped.delete(id);
    const fieldsV1 = union(entry.fieldsV1, before?.fieldsV1 ?? LEAF);
    capped.set(bucket, { ...merged, fieldsV1, ...(time !== undefined && { time }) });
    count--;
  }
  return capped;
}

/** Whether two lists of entries say the same but for their times. */
export function sameButTimes(a: readonly JsonObject[], b: readonly JsonObject[]): boolean {
  const timeless = (entries: readonly JsonObject[]): string =>
    JSON.stringify(entries.map(({ time: _, ...entry }) => Object.entries(entry).toSorted()));
  return a.length === b.length && timeless(a) === timeless(b);
}

function readEntry(json: JsonObject): ManagedFieldsEntry | undefined {
  const { apiVersion, fieldsType, fieldsV1 = {}, manager = '', operation, subresource = '', time } = json;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (typeof apiVersion !== 'string' || apiVersion === '' || fieldsType !== 'FieldsV1') return undefined;
  if (typeof manager !== 'string' || typeof subresource !== 'string') return undefined;
  const set = readFieldSet(fieldsV1);
  const seconds = readTime(time);
  if (set === undefined || seconds === undefined) return undefined;
  return {
    apiVersion,
    fieldsType,
    fieldsV1: set,
    manager,
    operation,
    ...(subresource !== '' && { subresource }),
    ...(seconds !== '' && { time: seconds }),
  };
}

/** A time in the one form that can be compared; empty when there is none. */
function readTime(time: Json | undefined): string | undefined {
  if (time === undefined || time === null) return '';
  const milliseconds = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** The order of two texts: negative, zero or positive. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
