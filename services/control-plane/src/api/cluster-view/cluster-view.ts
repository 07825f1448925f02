import { isDeepStrictEqual } from 'node:util';
import { type ObjectRef, type ResourceKind, refKey, type StoredObject } from '@pulseplane/resources';
import type { Change } from '../watch/changes.ts';
import { RecentChanges, type View, type ViewObject } from './view.ts';
import { deployments, namespaceObject, type Worker, type WorkerPod, workerPods } from './worker-objects.ts';

/** Where the view looks. */
export type ClusterViewOptions = {
  readonly workers: () => readonly Worker[];
  /** Calls back when `workers` may give something else. Returns the way to stop. */
  readonly onWorkers: (listener: () => void) => () => void;
  readonly now: () => Date;
};

/** Changes within this time are told together: a fleet that reconnects is looked at a few times, not once for each. */
const SETTLE_MS = 50;

/**
 * The connected workers as a cluster would show them: Pods and their Deployments, derived and read-only. Looked at
 * when somebody reads, or watches.
 */
export class ClusterView implements View {
  readonly #options: ClusterViewOptions;
  readonly #changes: RecentChanges;
  readonly #listeners = new Set<() => void>();
  #pods: ReadonlyMap<string, WorkerPod> = new Map();
  #objects: ReadonlyMap<string, StoredObject> = new Map();
  #isStale = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ClusterViewOptions) {
    this.#options = options;
    this.#changes = new RecentChanges(options.now());
    options.onWorkers(() => {
      this.#isStale = true;
      if (this.#listeners.size > 0) this.#timer ??= setTimeout(() => this.#announce(), SETTLE_MS);
    });
  }

  /** The version of the newest change. */
  version(): number {
    this.#look();
    return this.#changes.version();
  }

  /** One object. */
  object(ref: ObjectRef): StoredObject | undefined {
    this.#look();
    return this.#objects.get(refKey(ref));
  }

  /** The objects of a kind, in one namespace or in all, by namespace and name. */
  objects(kind: ResourceKind, namespace?: string): readonly StoredObject[] {
    this.#look();
    return [...this.#objects.values()]
      .filter(({ ref }) => ref.kind === kind.kind && ref.namespace === (namespace ?? ref.namespace))
      .sort((a, b) => (refKey(a.ref) < refKey(b.ref) ? -1 : 1));
  }

  /** The worker that a Pod shows. */
  worker(pod: ObjectRef): Worker | undefined {
    this.#look();
    return this.#pods.get(refKey(pod))?.worker;
  }

  /** The workers of each gateway that has any, by `namespace/name`. */
  workersPerGateway(): ReadonlyMap<string, readonly Worker[]> {
    const workers = new Map<string, Worker[]>();
    for (const worker of this.#options.workers()) {
      const key = `${worker.gateway.namespace}/${worker.gateway.name}`;
      const known = workers.get(key);
      if (known === undefined) workers.set(key, [worker]);
      else known.push(worker);
    }
    return workers;
  }

  /** The namespaces that workers live in, by name; with `after`, those whose names follow it. */
  namespaces(after = ''): readonly StoredObject[] {
    this.#look();
    const since = new Map<string, string>();
    for (const { pod } of this.#pods.values()) {
      const known = since.get(pod.ref.namespace);
      if (known === undefined || pod.changedAt < known) since.set(pod.ref.namespace, pod.changedAt);
    }
    const names = [...since.keys()].filter((name) => name > after).sort();
    return names.map((name) => namespaceObject(name, since.get(name) ?? ''));
  }

  /** A namespace that workers live in. */
  namespace(name: string): StoredObject | undefined {
    return this.namespaces().find(({ ref }) => ref.name === name);
  }

  /** What happened after a version; undefined when that is not known any more, or was never reached. */
  changesAfter(version: number): readonly Change[] | undefined {
    this.#look();
    return this.#changes.after(version);
  }

  /** Calls back after changes. Returns the way to stop. */
  onChanges(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #announce(): void {
    this.#timer = undefined;
    for (const listener of this.#listeners) listener();
  }

  #look(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    const before = this.#objects;
    this.#pods = workerPods(this.#options.workers());
    const pods = [...this.#pods.values()];
    const found = [...pods.map(({ pod }) => pod), ...deployments(pods, (ref) => before.get(refKey(ref)))];
    const after = new Map<string, StoredObject>();
    for (const object of found) after.set(refKey(object.ref), this.#compare(before.get(refKey(object.ref)), object));
    for (const [key, gone] of before) if (!after.has(key)) this.#changes.add('DELETED', gone);
    this.#objects = after;
  }

  /** The object as it stays: as it was when nothing has changed. Another uid is another object of the same name. */
  #compare(before: StoredObject | undefined, after: ViewObject): StoredObject {
    if (before === undefined) return this.#changes.add('ADDED', after);
    if (isDeepStrictEqual(before.object, after.object)) return before;
    if (before.object.metadata.uid === after.object.metadata.uid) return this.#changes.add('MODIFIED', after);
    this.#changes.add('DELETED', before);
    return this.#changes.add('ADDED', after);
  }
}
