import type { Json, JsonObject } from '@pulseplane/resources';
import { type Comparison, compare } from './compare.ts';
import { difference, type FieldSet, intersection, isEmptySet, union } from './field-set.ts';
import type { FieldType } from './field-type.ts';
import { asMap } from './field-type.ts';
import {
  capUpdates,
  identify,
  isReset,
  listOwners,
  type ManagedFieldsEntry,
  type Operation,
  type Owners,
  readOwners,
} from './managed-fields.ts';
import { fitToType } from './remove.ts';
import { fieldsOfNew } from './value-fields.ts';

/** Who writes, through which version of the API, and when: RFC 3339, UTC, whole seconds. */
export type Writer = { readonly manager: string; readonly apiVersion: string; readonly time: string };

/** An update of a live object, or the creation of one; `written` is the object as it will be stored. */
export type Update = {
  readonly type: FieldType;
  readonly live: JsonObject | undefined;
  readonly written: JsonObject;
  readonly writer: Writer;
};

/** What nobody owns: what names an object, and what the server sets. */
const UNOWNED: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:clusterName': {},
    'f:creationTimestamp': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:name': {},
    'f:namespace': {},
    'f:resourceVersion': {},
    'f:selfLink': {},
    'f:uid': {},
  },
};

/**
 * `metadata.managedFields` after a write that is not an apply. An object whose owners are not known stays so. The
 * written object may bring its own list: that counts instead of the live one, unless it cannot be read.
 */
export function trackUpdate({ type, live, written, writer }: Update): readonly ManagedFieldsEntry[] {
  const given = asMap(written['metadata'])['managedFields'];
  const object = withoutManagedFields(written);
  if (live === undefined && given === undefined) {
    const fieldsV1 = fieldsOfNew(type, object, UNOWNED);
    return isEmptySet(fieldsV1) ? [] : [entryOf(writer, 'Update', fieldsV1)];
  }
  const owners = ownersBefore(live, given);
  if (owners.size === 0 && live !== undefined) return [];
  return listOwners(capUpdates(updated(type, live ?? emptyLike(written), object, owners, writer)));
}

/** The owners after an update, without the cap on their number. */
export function updated(type: FieldType, live: JsonObject, object: JsonObject, owners: Owners, writer: Writer): Owners {
  const comparison = compare(type, withoutManagedFields(live), object);
  const { added, modified } = comparison;
  const after = new Map(takeFromOthers(fitOwners(type, owners, writer.apiVersion), comparison, undefined));
  const taken = difference(union(modified, added), UNOWNED);
  if (isEmptySet(taken)) return after;
  const entry = entryOf(writer, 'Update', taken);
  const before = after.get(identify(entry));
  after.set(identify(entry), before === undefined ? entry : { ...entry, fieldsV1: union(taken, before.fieldsV1) });
  return after;
}

/** The owners but for what was changed or removed; `except` keeps all that it has. */
export function takeFromOthers(
  owners: Owners,
  { added, modified, removed }: Comparison,
  except: string | undefined,
): Owners {
  const changed = union(modified, added);
  const left = new Map<string, ManagedFieldsEntry>();
  for (const [id, entry] of owners) {
    const fieldsV1 = id === except ? entry.fieldsV1 : difference(difference(entry.fieldsV1, changed), removed);
    if (!isEmptySet(fieldsV1)) left.set(id, { ...entry, fieldsV1 });
  }
  return left;
}

/** What owners other than `except` have of the fields that a change would set. */
export function contested(
  owners: Owners,
  { added, modified }: Comparison,
  except: string,
): readonly (readonly [ManagedFieldsEntry, FieldSet])[] {
  const changed = union(modified, added);
  return [...owners]
    .filter(([id]) => id !== except)
    .map(([, entry]) => [entry, intersection(entry.fieldsV1, changed)] as const)
    .filter(([, fields]) => !isEmptySet(fields));
}

/** The owners as the schema now is. What was owned through another version of the API is nobody's. */
export function fitOwners(type: FieldType, owners: Owners, apiVersion: string): Owners {
  const fitted = new Map<string, ManagedFieldsEntry>();
  for (const [id, entry] of owners) {
    if (entry.apiVersion === apiVersion) fitted.set(id, { ...entry, fieldsV1: fitToType(type, entry.fieldsV1) });
  }
  return fitted;
}

/** A set without what nobody owns. */
export function ownable(fields: FieldSet): FieldSet {
  return difference(fields, UNOWNED);
}

/** An entry of a writer. */
export function entryOf(
  { manager, apiVersion, time }: Writer,
  operation: Operation,
  fieldsV1: FieldSet,
): ManagedFieldsEntry {
  return {
    apiVersion,
    fieldsType: 'FieldsV1',
    fieldsV1,
    manager: manager === '' ? 'unknown' : manager,
    operation,
    time,
  };
}

/** An object without its managedFields, which nobody owns. */
export function withoutManagedFields(object: JsonObject): JsonObject {
  const { metadata } = object;
  const { managedFields, ...others } = asMap(metadata);
  return managedFields === undefined ? object : { ...object, metadata: others };
}

/** An object of the same type with nothing in it. */
export function emptyLike({ apiVersion, kind }: JsonObject): JsonObject {
  return { apiVersion, kind };
}

function ownersBefore(live: JsonObject | undefined, given: Json | undefined): Owners {
  if (isReset(given)) return new Map();
  const brought = readOwners(given);
  if (brought !== undefined && brought.size > 0) return brought;
  return readOwners(asMap(live?.['metadata'])['managedFields']) ?? new Map();
}
