import type { ObjectFilter } from '@pulseplane/event-log';
import type { JsonObject, ObjectRef, ResourceKind, StoredObject } from '@pulseplane/resources';
import { fail, ok, type Result } from '../../command/index.ts';
import type { ApiOptions } from '../api-options.ts';
import { present } from '../present.ts';
import { invalidParameter, type Status } from '../status.ts';
import { readPoint } from './point.ts';

/** The objects as they are now, or as they were right after an event. */
export type Moment = {
  readonly seq: number;
  readonly object: (ref: ObjectRef) => StoredObject | undefined;
  readonly objects: (filter: ObjectFilter) => readonly StoredObject[];
  /** An object as clients see it. Of the past the log knows what was decided, so there is no status then. */
  readonly present: (kind: ResourceKind, stored: StoredObject) => JsonObject;
};

/** The moment that a query asks for: `at` a sequence number or time, or now. */
export function readMoment(options: ApiOptions, query: Readonly<Record<string, unknown>>): Result<Moment, Status> {
  const { log, statusOf, now } = options;
  const { at } = query;
  if (at === undefined) {
    return ok({
      seq: log.head(),
      object: (ref) => log.object(ref),
      objects: (filter) => log.objects(filter),
      present: (kind, stored) => present(kind, stored, statusOf),
    });
  }
  if (typeof at !== 'string') return fail(invalidParameter('at', String(at), 'may be given once'));
  const point = readPoint(log, 'at', at, now());
  if (!point.ok) return point;
  const seq = point.value;
  return ok({
    seq,
    object: (ref) => log.objectAt(ref, seq),
    objects: (filter) => log.objectsAt(filter, seq),
    present: (kind, stored) => {
      const { status: _, ...decided } = present(kind, stored, () => undefined);
      return decided;
    },
  });
}
