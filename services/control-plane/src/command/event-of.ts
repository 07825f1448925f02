import type { EventType, ExpectedVersion, NewEvent, RestoredFrom } from '@pulseplane/event-log';
import { type KubernetesObject, NAMESPACE, type ObjectRef, type StoredObject } from '@pulseplane/resources';
import type { CommandContext } from './command.ts';

/** The event of a command on an object. */
export function eventOf(
  type: EventType,
  ref: ObjectRef,
  object: KubernetesObject,
  context: CommandContext,
  restoredFrom?: RestoredFrom,
): NewEvent {
  return {
    id: context.newId(),
    type,
    subject: { uid: object.metadata.uid ?? '', ...ref },
    object,
    actor: context.actor,
    requestId: context.requestId,
    correlationId: context.correlationId ?? context.requestId,
    time: context.now,
    ...(restoredFrom !== undefined && { restoredFrom }),
  };
}

/** That an object is still as it was read. */
export function expectationOf({ ref, version }: StoredObject): ExpectedVersion {
  return { ref, version };
}

export function isNamespace(ref: ObjectRef): boolean {
  return ref.group === NAMESPACE.group && ref.kind === NAMESPACE.kind;
}

/** A time (RFC 3339, UTC) in Kubernetes' precision of times in metadata. */
export function wholeSeconds(time: string): string {
  return `${time.slice(0, 19)}Z`;
}
