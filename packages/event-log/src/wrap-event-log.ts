import type { EventLog } from './event-log.ts';

/** A log that behaves like another but for some of its methods: to put something in between. */
export function wrapEventLog(log: EventLog, overrides: Partial<EventLog>): EventLog {
  return {
    append: (append) => log.append(append),
    object: (ref) => log.object(ref),
    objects: (filter) => log.objects(filter),
    each: (filter) => log.each(filter),
    objectAt: (ref, seq) => log.objectAt(ref, seq),
    objectsAt: (filter, seq) => log.objectsAt(filter, seq),
    read: (range) => log.read(range),
    history: (ref, range) => log.history(ref, range),
    appended: (idempotencyKey) => log.appended(idempotencyKey),
    seqAt: (time) => log.seqAt(time),
    follow: (listener) => log.follow(listener),
    head: () => log.head(),
    floor: () => log.floor(),
    close: () => log.close(),
    ...overrides,
  };
}
