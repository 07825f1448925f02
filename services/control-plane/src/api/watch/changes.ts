import type { EventLog, StoredEvent } from '@pulseplane/event-log';
import type { ResourceKind, StoredObject } from '@pulseplane/resources';
import type { Selector } from '../selectors.ts';

/** What an event of the log means to one watch. The object's version is the event's sequence number. */
export type Change = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly stored: StoredObject };

/** Which objects a watch is about. */
export type Selection = {
  readonly kind: ResourceKind;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly selects: Selector;
  /** Whether an object can enter or leave the selection while it exists: with its labels or other fields, not with its name. */
  readonly mayChange: boolean;
};

/** Translates an event; undefined when the watch does not see it. */
export function toChange(
  event: StoredEvent,
  { kind, namespace, selects, mayChange }: Selection,
  log: Pick<EventLog, 'objectAt'>,
): Change | undefined {
  const { uid: _, ...ref } = event.subject;
  if (ref.group !== kind.group || ref.kind !== kind.kind || ref.namespace !== (namespace ?? ref.namespace)) {
    return undefined;
  }
  const stored: StoredObject = { ref, version: event.seq, changedAt: event.time, object: event.object };
  const selected = selects(stored);
  switch (event.type) {
    case 'Created':
      return selected ? { type: 'ADDED', stored } : undefined;
    case 'Deleted':
      return selected ? { type: 'DELETED', stored } : undefined;
    case 'SpecChanged':
    case 'MetadataChanged': {
      if (!mayChange) return selected ? { type: 'MODIFIED', stored } : undefined;
      const before = log.objectAt(ref, event.seq - 1);
      if (before === undefined || !selects(before)) return selected ? { type: 'ADDED', stored } : undefined;
      if (selected) return { type: 'MODIFIED', stored };
      // As in Kubernetes: what left is shown as the watcher last saw it, at the version at which it left.
      return { type: 'DELETED', stored: { ...before, version: event.seq, changedAt: event.time } };
    }
  }
}
