import { isDeepStrictEqual } from 'node:util';
import type { NewEvent, RestoredFrom } from '@pulseplane/event-log';
import { fieldTypeOf, type ManagedFieldsEntry, sameButTimes, trackUpdate } from '@pulseplane/field-ownership';
import {
  contentOf,
  type JsonObject,
  type KubernetesObject,
  NAMESPACE,
  newFinalizers,
  type ObjectMeta,
  type ResourceKind,
  type StoredObject,
} from '@pulseplane/resources';
import { type Command, type CommandContext, type Decision, type Rejection, refOf, type State } from './command.ts';
import { decideDelete, gone, isDeleting, isReleased } from './deletion.ts';
import { eventOf, expectationOf, wholeSeconds } from './event-of.ts';
import { fail, ok, type Result } from './result.ts';

/** Kubernetes puts this label on every namespace, for selectors. */
const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

type Write = Extract<Command, { readonly type: 'create' | 'replace' }>;

/** Decides a command on the current state: the events that it causes, or why it is refused. Pure. */
export function decide(command: Command, state: State, context: CommandContext): Result<Decision, Rejection> {
  switch (command.type) {
    case 'create':
      return decideCreate(withServerLabels(command), state, context);
    case 'replace':
      return decideReplace(withServerLabels(command), state, context);
    case 'delete':
      return decideDelete(command, state, context);
    case 'rollback':
      return decideRollback(command, state, context);
    case 'undelete':
      return decideCreate(undeletion(command), state, context, { seq: command.source.version });
  }
}

function decideCreate(
  { kind, object, managedFields }: Write,
  { current, namespace }: State,
  context: CommandContext,
  restoredFrom?: RestoredFrom,
): Result<Decision, Rejection> {
  const { name, namespace: namespaceName = '', resourceVersion } = object.metadata;
  if (kind.namespaced && namespace === undefined) return fail({ type: 'namespaceNotFound', namespace: namespaceName });
  if (namespace !== undefined && isDeleting(namespace)) {
    return fail({ type: 'namespaceTerminating', kind, name, namespace: namespaceName });
  }
  if (current !== undefined) return fail({ type: 'alreadyExists', kind, name, isDeleting: isDeleting(current) });
  if (resourceVersion !== undefined) return fail({ type: 'versionOnCreate', kind, name });
  const ref = refOf(kind, namespaceName, name);
  const written: KubernetesObject = {
    ...object,
    metadata: storedMetadata(object.metadata, {
      uid: context.newId(),
      creationTimestamp: wholeSeconds(context.now),
      ...(hasGeneration(kind) && { generation: 1 }),
    }),
  };
  const owners = managedFields ?? ownersAfter(kind, undefined, written, object.metadata.managedFields, context);
  const created = withOwners(written, owners);
  return ok({
    append: {
      // The namespace is expected as it was, so that an object cannot be born into a namespace as it goes away.
      expected: [{ ref, version: 0 }, ...(namespace === undefined ? [] : [expectationOf(namespace)])],
      events: [...founding(namespace, context), eventOf('Created', ref, created, context, restoredFrom)],
    },
    ref,
    object: created,
    version: 0,
    changedAt: context.now,
    isGone: false,
  });
}

/** The creation of a namespace that was only seen until now: it has no version. */
function founding(namespace: StoredObject | undefined, context: CommandContext): readonly NewEvent[] {
  if (namespace === undefined || namespace.version > 0) return [];
  const { metadata, ...object } = namespace.object;
  const server = { uid: context.newId(), creationTimestamp: wholeSeconds(context.now) };
  return [eventOf('Created', namespace.ref, { ...object, metadata: { ...metadata, ...server } }, context)];
}

function decideReplace(
  { kind, object, managedFields }: Write,
  state: State,
  context: CommandContext,
): Result<Decision, Rejection> {
  const { current } = state;
  const { name, uid, resourceVersion, finalizers } = object.metadata;
  if (current === undefined) return fail({ type: 'notFound', kind, name });
  const before = current.object;
  if (resourceVersion !== undefined && resourceVersion !== String(current.version)) {
    return fail({ type: 'modified', kind, name });
  }
  const actualUid = before.metadata.uid ?? '';
  if (uid !== undefined && uid !== actualUid) {
    return fail({ type: 'preconditionFailed', kind, name, field: 'uid', wanted: uid, actual: actualUid });
  }
  const { creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } = before.metadata;
  if (deletionTimestamp !== undefined) {
    const added = newFinalizers(finalizers, before.metadata.finalizers);
    if (added.length > 0) return fail({ type: 'finalizersAdded', kind, name, added });
    if (isReleased(current, finalizers, state)) {
      const { finalizers: _, ...metadata } = before.metadata;
      return ok(gone(current, { ...before, metadata }, state, context));
    }
  }
  const specChanged = !isDeepStrictEqual(contentOf(object), contentOf(before));
  const written: KubernetesObject = {
    ...object,
    metadata: storedMetadata(object.metadata, {
      uid: actualUid,
      ...(creationTimestamp !== undefined && { creationTimestamp }),
      ...(generation !== undefined && { generation: generation + (specChanged ? 1 : 0) }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...(deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds }),
    }),
  };
  const { managedFields: ownersBefore = [], ...metadataBefore } = before.metadata;
  const owners = managedFields ?? ownersAfter(kind, before, written, object.metadata.managedFields, context);
  // A new time alone is no change: as in Kubernetes, who applies the same again leaves no trace.
  const unchanged =
    !specChanged && isDeepStrictEqual(written.metadata, metadataBefore) && sameButTimes(owners, ownersBefore);
  const after = unchanged ? before : withOwners(written, owners);
  return ok({
    append: {
      expected: [expectationOf(current)],
      events: unchanged ? [] : [eventOf(specChanged ? 'SpecChanged' : 'MetadataChanged', current.ref, after, context)],
    },
    ref: current.ref,
    object: after,
    version: current.version,
    changedAt: unchanged ? current.changedAt : context.now,
    isGone: false,
  });
}

/** The spec (or what the kind has in its place) alone goes back; whether it differs is asked of its bytes, because its bytes are what was promised. */
function decideRollback(
  { kind, source, preconditions }: Extract<Command, { readonly type: 'rollback' }>,
  { current }: State,
  context: CommandContext,
): Result<Decision, Rejection> {
  const { name } = source.ref;
  if (current === undefined) return fail({ type: 'notFound', kind, name });
  if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== String(current.version)) {
    return fail({ type: 'modified', kind, name });
  }
  const content = contentOf(source.object);
  const unchanged = JSON.stringify(content) === JSON.stringify(contentOf(current.object));
  const { apiVersion, kind: kindName, metadata } = current.object;
  const { generation } = metadata;
  const written: KubernetesObject = {
    apiVersion,
    kind: kindName,
    metadata: { ...metadata, ...(generation !== undefined && { generation: generation + (unchanged ? 0 : 1) }) },
    ...content,
  };
  const after = unchanged
    ? written
    : withOwners(written, ownersAfter(kind, current.object, written, undefined, context));
  const restoredFrom = { seq: source.version };
  return ok({
    append: {
      expected: [expectationOf(current)],
      events: unchanged ? [] : [eventOf('SpecChanged', current.ref, after, context, restoredFrom)],
    },
    ref: current.ref,
    object: after,
    version: current.version,
    changedAt: unchanged ? current.changedAt : context.now,
    isGone: false,
  });
}

/** The metadata that the log holds: what the user decides and what the server sets, but no resourceVersion. */
function storedMetadata(
  { name, namespace, labels, annotations, finalizers }: ObjectMeta,
  server: Pick<
    ObjectMeta,
    'creationTimestamp' | 'deletionGracePeriodSeconds' | 'deletionTimestamp' | 'generation' | 'uid'
  >,
): ObjectMeta {
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...server,
    ...(labels !== undefined && { labels }),
    ...(annotations !== undefined && { annotations }),
    ...(finalizers !== undefined && { finalizers }),
  };
}

/** The creation of a deleted object as it was, with the owners that it had; all finalizers had been seen to. */
function undeletion({ kind, source }: Extract<Command, { readonly type: 'undelete' }>): Write {
  const { finalizers: _, ...metadata } = source.object.metadata;
  const { managedFields } = metadata;
  const object = { ...source.object, metadata };
  return { type: 'create', kind, object, ...(managedFields !== undefined && { managedFields }) };
}

/** The write with the labels that the server itself puts on. */
function withServerLabels(write: Write): Write {
  if (write.kind !== NAMESPACE) return write;
  const { metadata } = write.object;
  const labels = { ...metadata.labels, [NAMESPACE_NAME_LABEL]: metadata.name };
  return { ...write, object: { ...write.object, metadata: { ...metadata, labels } } };
}

/**
 * Who owns what after a write that is no apply; `given` is the list that the writer sent. An empty one is none, as in
 * Kubernetes, so that a client that does not know the field takes nothing away; `[{}]` ends the tracking.
 */
function ownersAfter(
  kind: ResourceKind,
  live: KubernetesObject | undefined,
  object: KubernetesObject,
  given: ObjectMeta['managedFields'],
  { actor, fieldManager = actor.via, now }: CommandContext,
): readonly ManagedFieldsEntry[] {
  const isNone = given === undefined || given.length === 0;
  const written = isNone ? object : { ...object, metadata: { ...object.metadata, managedFields: given } };
  const writer = { manager: fieldManager, apiVersion: object.apiVersion, time: wholeSeconds(now) };
  return trackUpdate({ type: fieldTypeOf(kind.schema), live, written, writer });
}

function withOwners(object: KubernetesObject, managedFields: readonly JsonObject[]): KubernetesObject {
  if (managedFields.length === 0) return object;
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

/** Kubernetes counts no generations of Namespaces and Secrets. */
function hasGeneration({ group }: ResourceKind): boolean {
  return group !== '';
}
