import type { JsonObject } from '@pulseplane/resources';
import { configFaults, printFaults } from './check-config.ts';
import { compare } from './compare.ts';
import { difference, type FieldSet, hasPath, intersection, isEmptySet, LEAF, pathsOf, union } from './field-set.ts';
import { asMap, type FieldType } from './field-type.ts';
import { sameJson } from './json-value.ts';
import { fieldsLastApplied, KUBECTL, withLastApplied } from './last-applied.ts';
import { identify, listOwners, type ManagedFieldsEntry, type Owners, readOwners } from './managed-fields.ts';
import { merge } from './merge.ts';
import type { PathElement } from './path-element.ts';
import { removeFields, withNamedParents } from './remove.ts';
import {
  contested,
  emptyLike,
  entryOf,
  fitOwners,
  ownable,
  takeFromOthers,
  updated,
  type Writer,
  withoutManagedFields,
} from './track.ts';
import { fieldsSetBy } from './value-fields.ts';

/** A configuration that somebody wants to be so; `force` takes fields from whoever else has them. */
export type Application = {
  readonly type: FieldType;
  readonly live: JsonObject | undefined;
  readonly config: JsonObject;
  readonly writer: Writer;
  readonly force: boolean;
};

/** A field that the configuration would change and that somebody else owns. */
export type Conflict = { readonly owner: ManagedFieldsEntry; readonly path: readonly PathElement[] };

/** What came of an application: the merged object (without managedFields) and who owns it, or why it cannot be. */
export type Applied =
  | { readonly kind: 'applied'; readonly object: JsonObject; readonly managedFields: readonly ManagedFieldsEntry[] }
  | { readonly kind: 'conflicts'; readonly conflicts: readonly Conflict[] }
  /** The configuration, or the list of owners that the object has, cannot be read. */
  | { readonly kind: 'unreadable'; readonly subject: 'config' | 'managedFields'; readonly reason: string };

/** The manager of what an object had before anybody was tracked. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

type Merged = { readonly object: JsonObject; readonly owners: Owners };
type Attempt = { readonly merged: Merged } | { readonly conflicts: readonly Conflict[] };

/** Merges a configuration into the live object: what it sets is set, what it no longer sets and nobody else has goes. */
export function applyConfiguration(application: Application): Applied {
  const { type, config, writer, force } = application;
  const faults = configFaults(type, config);
  if (faults.length > 0) return { kind: 'unreadable', subject: 'config', reason: printFaults(faults) };
  const live = withoutManagedFields(application.live ?? emptyLike(config));
  const known = readOwners(asMap(application.live?.['metadata'])['managedFields']);
  if (known === undefined) {
    return { kind: 'unreadable', subject: 'managedFields', reason: 'failed to decode managed fields' };
  }
  const before = { ...writer, manager: BEFORE_FIRST_APPLY };
  const owners = known.size > 0 ? known : updated(type, emptyLike(live), live, known, before);
  let attempt = tryToApply({ ...application, live }, owners, force);
  if ('conflicts' in attempt && writer.manager === KUBECTL) {
    const allowed = fieldsLastApplied(type, live);
    const conflicts = attempt.conflicts.filter(({ path }) => !hasPath(allowed, path));
    attempt = conflicts.length > 0 ? { conflicts } : tryToApply({ ...application, live }, owners, true);
  }
  if ('conflicts' in attempt) return { kind: 'conflicts', conflicts: attempt.conflicts };
  const { object, owners: after } = attempt.merged;
  return {
    kind: 'applied',
    object: writer.manager === KUBECTL ? withLastApplied(object, config) : object,
    managedFields: listOwners(after),
  };
}

function tryToApply(
  { type, live, config, writer }: Application & { readonly live: JsonObject },
  owners: Owners,
  force: boolean,
): Attempt {
  const { time, ...entry } = entryOf(writer, 'Apply', fieldsSetBy(type, config));
  const id = identify(entry);
  const fitted = fitOwners(type, owners, writer.apiVersion);
  const last = fitted.get(id);
  const withNew = new Map(fitted).set(id, entry);
  const object = asMap(prune(type, asMap(merge(type, live, config)), withNew, last?.fieldsV1 ?? LEAF));
  const comparison = compare(type, live, object);
  const lost = contested(withNew, comparison, id);
  if (!force && lost.length > 0) {
    return { conflicts: lost.flatMap(([owner, fields]) => pathsOf(fields).map((path) => ({ owner, path }))) };
  }
  const after = new Map(takeFromOthers(withNew, comparison, id));
  const fieldsV1 = ownable(entry.fieldsV1);
  // Whoever applies what is there already changes nothing, and has no new time.
  const changedAt = sameJson(live, object) ? owners.get(id)?.time : time;
  if (isEmptySet(fieldsV1)) after.delete(id);
  else after.set(id, { ...entry, fieldsV1, ...(changedAt !== undefined && { time: changedAt }) });
  return { merged: { object, owners: after } };
}

/**
 * Takes out what the manager applied the last time and not this time, unless somebody else owns it, and unless it
 * stood there without the manager. The three steps are those of structured-merge-diff.
 */
function prune(type: FieldType, merged: JsonObject, owners: Owners, last: FieldSet): JsonObject {
  if (isEmptySet(last)) return merged;
  const named = (set: FieldSet): FieldSet => withNamedParents(type, set);
  const all = named(fieldsSetBy(type, merged));
  const owned = [...owners.values()].reduce((set, { fieldsV1 }) => union(set, fieldsV1), LEAF);
  const withoutLast = named(fieldsSetBy(type, removeFields(type, merged, named(last))));
  const withOwned = removeFields(type, merged, difference(all, union(withoutLast, named(owned))));
  const kept = named(fieldsSetBy(type, withOwned));
  return asMap(removeFields(type, merged, intersection(difference(all, kept), named(last))));
}
