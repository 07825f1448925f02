import type { ObjectFilter } from '@pulseplane/event-log';
import type { ObjectRef, StoredObject } from '@pulseplane/resources';

/** Where the current objects are read: the log itself, or the log as it was at some moment. */
export interface ObjectSource {
  object(ref: ObjectRef): StoredObject | undefined;
  /** The objects that match, in any order, one at a time. */
  each(filter: ObjectFilter): Iterable<StoredObject>;
}
