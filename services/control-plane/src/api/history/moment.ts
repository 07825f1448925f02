import type { ObjectFilter } from '@pulseplane/event-log';
import {
  type JsonObject,
  NAMESPACE,
  type ObjectRef,
  type ResourceKind,
  type StoredObject,
} from '@pulseplane/resources';
import { fail, ok, type Result } from '../../command/index.ts';
import type { ApiOptions } from '../api-options.ts';
import { present } from '../present.ts';
import { invalidParameter, type Status } from '../status.ts';
import { readPoint } from './point.ts';

/** The objects as they are now, or as they were right after an event. */
export type Moment = {
  readonly seq: number;
  readonly object: (ref: ObjectRef) => StoredObject | undefined;
  /** In the order of namespace and name. */
  readonly objects: (filter: ObjectFilter) => Iterable<StoredObject>;
  /** An object as clients see it. Of the past the log knows what was decided, so there is no status then. */
  readonly present: (kind: ResourceKind, stored: StoredObject) => JsonObject;
};

type Query = Readonly<Record<string, unknown>>;

/** The moment that a query asks for: `at` a sequence number or time, or now. `about`: the one object that is asked for. */
export function readMoment(options: ApiOptions, query: Query, about?: ObjectRef): Result<Moment, Status> {
  const { log, now } = options;
  const { at } = query;
  if (at === undefined) return ok(presentMoment(options));
  if (typeof at !== 'string') return fail(invalidParameter('at', String(at), 'may be given once'));
  const point = readPoint(log, 'at', at, now(), about);
  return point.ok ? ok(pastMoment(options, point.value)) : point;
}

/** The objects of a list that was begun right after an event, with the status of now. `seq` must not be below the floor. */
export function listMoment(options: ApiOptions, seq: number): Moment {
  const now = presentMoment(options);
  return seq === now.seq ? now : { ...pastMoment(options, seq), present: now.present };
}

function presentMoment({ log, statusOf, clusterView }: ApiOptions): Moment {
  return {
    seq: log.head(),
    object: (ref) => log.object(ref) ?? (ref.kind === NAMESPACE.kind ? clusterView.namespace(ref.name) : undefined),
    objects: (filter) =>
      filter.kind === NAMESPACE.kind
        ? withWorkerNamespaces(log.each(filter), clusterView.namespaces(filter.after?.name))
        : log.each(filter),
    present: (kind, stored) => present(kind, stored, statusOf),
  };
}

function pastMoment({ log }: ApiOptions, seq: number): Moment {
  return {
    seq,
    object: (ref) => log.objectAt(ref, seq),
    objects: (filter) => log.objectsAt(filter, seq),
    present: (kind, stored) => {
      const { status: _, ...decided } = present(kind, stored, () => undefined);
      return decided;
    },
  };
}

/** Workers live in a namespace whether somebody has made it or not. Both are, and stay, in the order of their names. */
function* withWorkerNamespaces(kept: Iterable<StoredObject>, seen: readonly StoredObject[]): Iterable<StoredObject> {
  const waiting = [...seen];
  for (const stored of kept) {
    for (; waiting[0] !== undefined && waiting[0].ref.name <= stored.ref.name; waiting.shift()) {
      if (waiting[0].ref.name < stored.ref.name) yield waiting[0];
    }
    yield stored;
  }
  yield* waiting;
}
