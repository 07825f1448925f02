import { type ObjectRef, refKey, type StoredObject } from '@pulseplane/resources';
import type { GatewayName } from '../gateway/resource.ts';
import { backendRefsOf, hostnamesOf, type ParentRef, parentRefsOf } from '../route-object.ts';
import { compareText, OrderedSet } from './ordered-set.ts';

/** What is kept of a route: what decides where it attaches, and the backends of its namespace that it uses. */
export type RouteEntry = {
  readonly ref: ObjectRef;
  readonly parentRefs: readonly ParentRef[];
  readonly hostnames: readonly string[];
  readonly backends: readonly string[];
};

/** A route and the listeners of a gateway that it attaches to, by their place in the gateway's spec. */
export type AttachedRoute = { readonly route: RouteEntry; readonly listeners: readonly number[] };

/** The routes of all namespaces, by parent and by backend. */
export class RouteIndex {
  readonly #entries = new Map<string, RouteEntry>();
  readonly #byParent = new Map<string, OrderedSet<RouteEntry>>();
  readonly #byBackend = new Map<string, OrderedSet<RouteEntry>>();
  /** By gateway, for the listeners that it had when they were worked out. */
  readonly #attached = new Map<string, { readonly listeners: string; readonly routes: readonly AttachedRoute[] }>();

  put(stored: StoredObject): void {
    const { ref } = stored;
    this.remove(ref);
    const backends = backendRefsOf(stored).flatMap(({ namespace, name }) =>
      namespace === ref.namespace ? [name] : [],
    );
    const entry: RouteEntry = {
      ref,
      parentRefs: parentRefsOf(stored),
      hostnames: hostnamesOf(stored),
      backends: [...new Set(backends)],
    };
    this.#entries.set(refKey(ref), entry);
    for (const parent of this.parentsOf(ref)) {
      insert(this.#byParent, nameKey(parent), entry);
      this.#attached.delete(nameKey(parent));
    }
    for (const name of entry.backends) insert(this.#byBackend, nameKey({ namespace: ref.namespace, name }), entry);
  }

  remove(ref: ObjectRef): void {
    const entry = this.#entries.get(refKey(ref));
    if (entry === undefined) return;
    for (const parent of this.parentsOf(ref)) {
      drop(this.#byParent, nameKey(parent), entry);
      this.#attached.delete(nameKey(parent));
    }
    for (const name of entry.backends) drop(this.#byBackend, nameKey({ namespace: ref.namespace, name }), entry);
    this.#entries.delete(refKey(ref));
  }

  get(ref: ObjectRef): RouteEntry | undefined {
    return this.#entries.get(refKey(ref));
  }

  /** The gateways that a route names, each once, whether they exist or not. */
  parentsOf(ref: ObjectRef): readonly GatewayName[] {
    const parents = this.get(ref)?.parentRefs ?? [];
    const named = parents.map(({ namespace = ref.namespace, name }) => ({ namespace, name }));
    return [...new Map(named.map((parent) => [nameKey(parent), parent])).values()];
  }

  /** The routes that name a gateway, in the order of kind, namespace, name. */
  ofGateway(gateway: GatewayName): Iterable<RouteEntry> {
    return this.#byParent.get(nameKey(gateway)) ?? [];
  }

  /** What `attach` makes of the routes of a gateway with these listeners, until one of the routes changes. */
  attached(
    gateway: GatewayName,
    listeners: string,
    attach: (routes: Iterable<RouteEntry>) => readonly AttachedRoute[],
  ): readonly AttachedRoute[] {
    const key = nameKey(gateway);
    const known = this.#attached.get(key);
    if (known?.listeners === listeners) return known.routes;
    const routes = attach(this.ofGateway(gateway));
    if (routes.length > 0) this.#attached.set(key, { listeners, routes });
    return routes;
  }

  /** The routes that use a backend. */
  ofBackend(backend: { readonly namespace: string; readonly name: string }): Iterable<RouteEntry> {
    return this.#byBackend.get(nameKey(backend)) ?? [];
  }
}

function nameKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function insert(index: Map<string, OrderedSet<RouteEntry>>, key: string, entry: RouteEntry): void {
  const entries = index.get(key) ?? new OrderedSet(compareEntries);
  index.set(key, entries);
  entries.add(entry);
}

function drop(index: Map<string, OrderedSet<RouteEntry>>, key: string, entry: RouteEntry): void {
  const entries = index.get(key);
  entries?.delete(entry);
  if (entries?.size === 0) index.delete(key);
}

function compareEntries({ ref: a }: RouteEntry, { ref: b }: RouteEntry): number {
  return compareText(a.kind, b.kind) || compareText(a.namespace, b.namespace) || compareText(a.name, b.name);
}
