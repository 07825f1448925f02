import { createHash } from 'node:crypto';
import { contentOf, type ObjectRef, type ResourceKind, refKey, type StoredObject } from '@pulseplane/resources';
import { refOf } from '../../command/index.ts';
import { RecentChanges, type View, type ViewObject } from '../cluster-view/view.ts';
import type { Change } from '../watch/changes.ts';
import { EVENT } from './event-kind.ts';
import type { Notice } from './notices.ts';

/** How long an event is kept after it happened last: Kubernetes' `--event-ttl`. */
const TTL_MS = 3_600_000;

/** How many events are kept in all, and of one object; the oldest go first. */
const MAX_EVENTS = 5_000;
const MAX_PER_OBJECT = 25;

/** Who tells the events. */
const COMPONENT = 'pulseplane';

const MAX_NAME = 253;
const MAX_MESSAGE = 1_024;

type Entry = { readonly stored: StoredObject; readonly about: string; readonly lastMs: number };

/**
 * The Events of core/v1, in memory. What happens again to an object raises the count of its event. Bounded in number
 * and age; an event has the same name on every replica.
 */
export class RecordedEvents implements View {
  readonly #now: () => Date;
  readonly #changes: RecentChanges;
  readonly #listeners = new Set<() => void>();
  /** The one that happened last is the last. */
  readonly #entries = new Map<string, Entry>();
  readonly #perObject = new Map<string, Set<string>>();

  constructor(now: () => Date) {
    this.#now = now;
    this.#changes = new RecentChanges(now());
  }

  /** Tells that something happened to an object. */
  record(about: StoredObject, notice: Notice): void {
    this.#expire();
    const now = this.#now();
    const event = eventOf(about, notice, wholeSeconds(now));
    const key = refKey(event.ref);
    const known = this.#entries.get(key);
    const stored =
      known === undefined
        ? this.#changes.add('ADDED', event)
        : this.#changes.add('MODIFIED', again(known.stored, event));
    const aboutKey = `${refKey(about.ref)}/${about.object.metadata.uid ?? ''}`;
    this.#entries.delete(key);
    this.#entries.set(key, { stored, about: aboutKey, lastMs: now.getTime() });
    const own = this.#perObject.get(aboutKey) ?? new Set();
    this.#perObject.set(aboutKey, own);
    own.delete(key);
    own.add(key);
    for (const oldest of own.size > MAX_PER_OBJECT ? own : []) {
      this.#drop(oldest);
      break;
    }
    for (const oldest of this.#entries.size > MAX_EVENTS ? this.#entries.keys() : []) {
      this.#drop(oldest);
      break;
    }
    for (const listener of this.#listeners) listener();
  }

  /** Forgets what happened in a namespace that is gone. */
  removeNamespace(namespace: string): void {
    const gone = [...this.#entries].filter(([, { stored }]) => stored.ref.namespace === namespace);
    for (const [key] of gone) this.#drop(key);
    if (gone.length > 0) for (const listener of this.#listeners) listener();
  }

  version(): number {
    this.#expire();
    return this.#changes.version();
  }

  object(ref: ObjectRef): StoredObject | undefined {
    this.#expire();
    return this.#entries.get(refKey(ref))?.stored;
  }

  objects(_kind: ResourceKind, namespace?: string): readonly StoredObject[] {
    this.#expire();
    return [...this.#entries.values()]
      .map(({ stored }) => stored)
      .filter(({ ref }) => ref.namespace === (namespace ?? ref.namespace))
      .sort((a, b) => (refKey(a.ref) < refKey(b.ref) ? -1 : 1));
  }

  changesAfter(version: number): readonly Change[] | undefined {
    this.#expire();
    return this.#changes.after(version);
  }

  onChanges(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #expire(): void {
    const oldest = this.#now().getTime() - TTL_MS;
    for (const [key, { lastMs }] of this.#entries) {
      if (lastMs > oldest) return;
      this.#drop(key);
    }
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const own = this.#perObject.get(entry.about);
    own?.delete(key);
    if (own?.size === 0) this.#perObject.delete(entry.about);
    this.#changes.add('DELETED', entry.stored);
  }
}

function eventOf({ ref, version, object }: StoredObject, notice: Notice, time: string): ViewObject {
  const { uid = '' } = object.metadata;
  const { type, reason } = notice;
  const message = notice.message.slice(0, MAX_MESSAGE);
  const digest = hash([refKey(ref), uid, type, reason, message]);
  const suffix = `.${digest.slice(0, 16)}`;
  // Where Kubernetes puts the events of what is in no namespace.
  const namespace = ref.namespace === '' ? 'default' : ref.namespace;
  const name = ref.name.slice(0, MAX_NAME - suffix.length) + suffix;
  const content = {
    involvedObject: {
      kind: ref.kind,
      ...(ref.namespace !== '' && { namespace: ref.namespace }),
      name: ref.name,
      uid,
      apiVersion: object.apiVersion,
      resourceVersion: String(version),
    },
    reason,
    message,
    source: { component: COMPONENT },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    type,
    eventTime: null,
    reportingComponent: COMPONENT,
    reportingInstance: '',
  };
  const metadata = { name, namespace, uid: uuidOf(hash([digest, time])), creationTimestamp: time };
  return {
    ref: refOf(EVENT, namespace, name),
    changedAt: time,
    object: { apiVersion: 'v1', kind: EVENT.kind, metadata, ...content },
  };
}

/** The same once more. */
function again(known: StoredObject, event: ViewObject): ViewObject {
  const { count, firstTimestamp } = contentOf(known.object);
  const object = { ...event.object, metadata: known.object.metadata, firstTimestamp, count: Number(count) + 1 };
  return { ...event, object };
}

function uuidOf(digest: string): string {
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function wholeSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
