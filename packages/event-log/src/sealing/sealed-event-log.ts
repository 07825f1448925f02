import { type ObjectRef, SECRET, type StoredObject } from '@pulseplane/resources';
import type { NewEvent, StoredEvent } from '../event.ts';
import type { AppendResult, EventLog, ObjectFilter } from '../event-log.ts';
import { StorageFault } from '../storage-fault.ts';
import { wrapEventLog } from '../wrap-event-log.ts';
import { openObject, sealObject } from './object-seal.ts';
import type { SealingKey } from './sealing-key.ts';

/**
 * A log that keeps Secrets sealed: what is below it (files, streams, backups) never sees one open, who is above sees no
 * difference. The first key seals. A Secret whose key is not among them is read as it lies there; without any key, an
 * append of one throws a StorageFault.
 */
export function sealSecrets(log: EventLog, keys: readonly SealingKey[]): EventLog {
  const keysById = new Map(keys.map((key) => [key.id, key]));
  const [sealingKey] = keys;

  const seal = (event: NewEvent): NewEvent => {
    if (!isSecret(event.subject)) return event;
    if (sealingKey === undefined) throw new StorageFault('unavailable', 'there is no key to seal Secrets with');
    return { ...event, object: sealObject(event.subject, event.object, sealingKey) };
  };
  const open = <T extends StoredObject | StoredEvent>(ref: ObjectRef, holder: T): T =>
    isSecret(ref) ? { ...holder, object: openObject(ref, holder.object, keysById) } : holder;
  const openStored = (stored: StoredObject): StoredObject => open(stored.ref, stored);
  const openEvents = (events: readonly StoredEvent[]): readonly StoredEvent[] =>
    events.some(({ subject }) => isSecret(subject)) ? events.map((event) => open(event.subject, event)) : events;
  const openObjects = (filter: ObjectFilter, objects: readonly StoredObject[]): readonly StoredObject[] =>
    mayFindSecrets(filter) ? objects.map(openStored) : objects;

  return wrapEventLog(log, {
    append: async (append): Promise<AppendResult> => {
      const result = await log.append({ ...append, events: append.events.map(seal) });
      return result.kind === 'conflict' ? result : { ...result, events: openEvents(result.events) };
    },
    object: (ref) => {
      const stored = log.object(ref);
      return stored && openStored(stored);
    },
    objectAt: (ref, seq) => {
      const stored = log.objectAt(ref, seq);
      return stored && openStored(stored);
    },
    objects: (filter) => openObjects(filter, log.objects(filter)),
    objectsAt: (filter, seq) => openObjects(filter, log.objectsAt(filter, seq)),
    each: function* (filter) {
      for (const stored of log.each(filter)) yield openStored(stored);
    },
    read: (range) => openEvents(log.read(range)),
    history: (ref, range) => openEvents(log.history(ref, range)),
    appended: (idempotencyKey) => {
      const events = log.appended(idempotencyKey);
      return events && openEvents(events);
    },
    follow: (listener) => log.follow((events) => listener(openEvents(events))),
  });
}

function isSecret({ group, kind }: ObjectRef): boolean {
  return kind === SECRET.kind && group === SECRET.group;
}

function mayFindSecrets({ group = SECRET.group, kind = SECRET.kind }: ObjectFilter): boolean {
  return isSecret({ group, kind, namespace: '', name: '' });
}
