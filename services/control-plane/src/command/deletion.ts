import type { Append, NewEvent } from '@pulseplane/event-log';
import { type KubernetesObject, pendingFinalizers, type StoredObject } from '@pulseplane/resources';
import type { Command, CommandContext, Decision, Rejection, State } from './command.ts';
import { eventOf, expectationOf, isNamespace, wholeSeconds } from './event-of.ts';
import { fail, ok, type Result } from './result.ts';

/** The namespace that is always there. */
export const DEFAULT_NAMESPACE = 'default';

/**
 * A deletion as Kubernetes does it: an object with finalizers is marked and stays until the last of them is removed;
 * any other is gone. A namespace goes with all that is in it, and stays while something in it must.
 */
export function decideDelete(
  { kind, ref, preconditions }: Extract<Command, { readonly type: 'delete' }>,
  state: State,
  context: CommandContext,
): Result<Decision, Rejection> {
  const { current, contents, gateways = [] } = state;
  if (current === undefined) return fail({ type: 'notFound', kind, name: ref.name });
  const actual = { uid: current.object.metadata.uid ?? '', resourceVersion: String(current.version) };
  for (const field of ['uid', 'resourceVersion'] as const) {
    const wanted = preconditions[field];
    if (wanted === undefined || wanted === actual[field]) continue;
    return fail({ type: 'deletePrecondition', kind, name: ref.name, field, wanted, actual: actual[field] });
  }
  if (isNamespace(ref) && ref.name === DEFAULT_NAMESPACE) {
    return fail({ type: 'namespaceProtected', namespace: ref.name });
  }
  if (gateways.length > 0) return fail({ type: 'classInUse', name: ref.name, gateways });
  if (!mustStay(current, contents)) return ok(gone(current, current.object, state, context));
  // What is inside goes first, so that no event ever speaks of an object in a namespace that is gone.
  const left = isNamespace(ref) ? contents : [];
  const after = isDeleting(current) ? current.object : marked(current.object, context.now);
  const events = [
    ...left.flatMap((stored) => leave(stored, context)),
    ...(isDeleting(current) ? [] : [eventOf('MetadataChanged', ref, after, context)]),
  ];
  return ok({
    append: { ...expecting(current, left), events },
    ref,
    object: after,
    version: current.version,
    changedAt: events.length === 0 ? current.changedAt : context.now,
    isGone: false,
  });
}

/** Whether a deletion of the object was asked for already. */
export function isDeleting({ object }: StoredObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Whether an object that is being deleted goes now, with the finalizers that a write leaves it. */
export function isReleased(current: StoredObject, finalizers: readonly string[] | undefined, state: State): boolean {
  return isDeleting(current) && pendingFinalizers(finalizers).length === 0 && !state.contents.some(hasFinalizers);
}

/**
 * The end of an object, and with the last one in a namespace that is being deleted, of the namespace. All or nothing;
 * `object` is what the writer is shown.
 */
export function gone(current: StoredObject, object: KubernetesObject, state: State, context: CommandContext): Decision {
  const { ref, version } = current;
  const deleted = (stored: StoredObject): NewEvent => eventOf('Deleted', stored.ref, stored.object, context);
  const append = isNamespace(ref)
    ? { ...expecting(current, state.contents), events: [...state.contents, current].map(deleted) }
    : outOfNamespace(current, state, deleted);
  return { append, ref, object, version, changedAt: context.now, isGone: true };
}

/** The end of an object in a namespace, which may end with it. */
function outOfNamespace(
  current: StoredObject,
  { namespace, neighbour }: State,
  deleted: (stored: StoredObject) => NewEvent,
): Append {
  const expected = [expectationOf(current)];
  if (namespace === undefined || !isDeleting(namespace)) return { expected, events: [deleted(current)] };
  // Of two that leave at the same moment, each expects the other to be there still: so one of them is the last.
  if (neighbour !== undefined) {
    return { expected: [...expected, expectationOf(neighbour)], events: [deleted(current)] };
  }
  const ends = pendingFinalizers(namespace.object.metadata.finalizers).length === 0 ? [namespace] : [];
  return {
    expected: [...expected, expectationOf(namespace)],
    contents: { namespace: namespace.ref.name, objects: 1 },
    events: [current, ...ends].map(deleted),
  };
}

function expecting(current: StoredObject, left: readonly StoredObject[]): Pick<Append, 'expected' | 'contents'> {
  return {
    expected: [...left, current].map(expectationOf),
    ...(isNamespace(current.ref) && { contents: { namespace: current.ref.name, objects: left.length } }),
  };
}

function leave(stored: StoredObject, context: CommandContext): readonly NewEvent[] {
  const { ref, object } = stored;
  if (!hasFinalizers(stored)) return [eventOf('Deleted', ref, object, context)];
  return isDeleting(stored) ? [] : [eventOf('MetadataChanged', ref, marked(object, context.now), context)];
}

function mustStay(stored: StoredObject, contents: readonly StoredObject[]): boolean {
  return hasFinalizers(stored) || contents.some(hasFinalizers);
}

function hasFinalizers({ object }: StoredObject): boolean {
  return pendingFinalizers(object.metadata.finalizers).length > 0;
}

/**
 * The object on its way out. Kubernetes raises the generation too, so that controllers look at it. No object has
 * dependents here, so what the garbage collector would wait for is done.
 */
function marked({ metadata: { finalizers, ...metadata }, ...object }: KubernetesObject, now: string): KubernetesObject {
  const { generation } = metadata;
  const pending = pendingFinalizers(finalizers);
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(generation !== undefined && { generation: generation + 1 }),
      deletionTimestamp: wholeSeconds(now),
      deletionGracePeriodSeconds: 0,
      ...(pending.length > 0 && { finalizers: pending }),
    },
  };
}
