import type { EventLog, StoredEvent } from '@pulseplane/event-log';
import { isJsonObject, type Json, type JsonObject, type StoredObject } from '@pulseplane/resources';
import type { StatusOf } from './present.ts';

/** The statuses of so many objects are remembered, those that were looked at last. */
const MAX_OBJECTS = 150_000;

/** Where a status has conditions besides its own, and what tells the entries apart. */
const PARTS = { ancestors: 'ancestorRef', parents: 'parentRef', listeners: 'name' } as const;

/** A condition as it was last seen; times as Kubernetes writes them. `derived` is what it said of itself. */
type Seen = { readonly status: string; readonly since: string; readonly derived: string };

/**
 * Knows since when each condition has its status: a derived status alone knows only when something around it was changed
 * last. Kept in memory of the statuses that were looked at; what is not remembered has the derived time.
 */
export class ConditionTimes {
  readonly #log: Pick<EventLog, 'object'>;
  readonly #maxObjects: number;
  /** By uid, as text: an object takes some 380 bytes. The one looked at last is the last. */
  readonly #seen = new Map<string, string>();
  #newestEvent = '';
  /** No object has been deleted after this event. */
  #newestDeletion = Number.POSITIVE_INFINITY;

  constructor(log: Pick<EventLog, 'object'>, maxObjects = MAX_OBJECTS) {
    this.#log = log;
    this.#maxObjects = maxObjects;
  }

  /** An event of the log: what is new in a status after it is as new as it, if nothing newer explains it. */
  heard({ seq, time, type, subject }: StoredEvent): void {
    this.#newestEvent = `${time.slice(0, 19)}Z`;
    if (this.#newestDeletion === Number.POSITIVE_INFINITY) this.#newestDeletion = seq - 1;
    if (type !== 'Deleted') return;
    this.#newestDeletion = seq;
    this.#seen.delete(subject.uid);
  }

  /** The same statuses with the times at which their conditions became what they are. */
  stamped(statusOf: StatusOf): StatusOf {
    return (stored) => {
      const status = statusOf(stored);
      return status && this.#stamp(stored, status);
    };
  }

  #stamp({ ref, object, version }: StoredObject, status: JsonObject): JsonObject {
    const { uid } = object.metadata;
    if (uid === undefined) return status;
    const record = this.#seen.get(uid);
    // A watch tells of objects that are gone too. To ask the log for one that was just written is a tenth of its write.
    const isThere = record !== undefined || version > this.#newestDeletion;
    if (!isThere && this.#log.object(ref)?.object.metadata.uid !== uid) return status;
    const known = record === undefined ? undefined : decode(record);
    // An older version of the object, as a watch tells of it, says nothing of now.
    const isPast = known !== undefined && version < known.version;
    const after = new Map<string, Seen>();
    const stamped = mapConditions(status, (key, condition) => {
      const seen = known?.conditions.get(key);
      const now = { status: text(condition['status']), derived: text(condition['lastTransitionTime']) };
      const since = known === undefined ? now.derived : this.#since(seen, now);
      after.set(key, { ...now, since });
      return { ...condition, lastTransitionTime: isPast && seen?.status !== now.status ? now.derived : since };
    });
    if (!isPast) this.#remember(uid, encode(version, after), record);
    return stamped;
  }

  /** A status that is another now became so with a change around it since, or else with the newest event. */
  #since(seen: Seen | undefined, now: Omit<Seen, 'since'>): string {
    if (seen === undefined) return latest(now.derived, this.#newestEvent);
    if (seen.status === now.status) return seen.since;
    return latest(seen.since, now.derived, now.derived === seen.derived ? this.#newestEvent : '');
  }

  #remember(uid: string, record: string, before: string | undefined): void {
    if (record === before) return;
    this.#seen.delete(uid);
    this.#seen.set(uid, record);
    if (this.#seen.size <= this.#maxObjects) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      return;
    }
  }
}

function mapConditions(status: JsonObject, stamp: (key: string, condition: JsonObject) => JsonObject): JsonObject {
  const within = (part: JsonObject, name: string): JsonObject => {
    const { conditions } = part;
    if (!Array.isArray(conditions)) return part;
    const stamped = objects(conditions).map((condition) => stamp(`${name} ${text(condition['type'])}`, condition));
    return { ...part, conditions: stamped };
  };
  const parts = Object.entries(PARTS).flatMap(([name, identity]): [string, Json][] => {
    const entries = status[name];
    if (!Array.isArray(entries)) return [];
    return [[name, objects(entries).map((entry) => within(entry, nameOf(entry[identity])))]];
  });
  return { ...within(status, ''), ...Object.fromEntries(parts) };
}

/** What tells one ancestor, parent or listener from the others. */
function nameOf(identity: Json | undefined): string {
  if (!isJsonObject(identity)) return text(identity);
  return ['kind', 'namespace', 'name', 'sectionName', 'port'].map((field) => String(identity[field] ?? '')).join('/');
}

/** No name and no type of a condition has a line break or a tab. */
function encode(version: number, conditions: ReadonlyMap<string, Seen>): string {
  const lines = [...conditions].map(([key, { status, since, derived }]) =>
    [key, status, since, ...(derived === since ? [] : [derived])].join('\t'),
  );
  return [version, ...lines].join('\n');
}

function decode(record: string): { readonly version: number; readonly conditions: ReadonlyMap<string, Seen> } {
  const [version, ...lines] = record.split('\n');
  const conditions = lines.map((line): [string, Seen] => {
    const [key = '', status = '', since = '', derived = since] = line.split('\t');
    return [key, { status, since, derived }];
  });
  return { version: Number(version), conditions: new Map(conditions) };
}

function latest(...times: readonly string[]): string {
  return [...times].sort().at(-1) ?? '';
}

function objects(value: readonly Json[]): readonly JsonObject[] {
  return value.filter(isJsonObject);
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
