import type { ObjectFilter } from '@pulseplane/event-log';
import { AGENTGATEWAY_GROUP, GATEWAY_GROUP, type ObjectRef, type StoredObject } from '@pulseplane/resources';
import type { GatewayName } from '../gateway/resource.ts';
import { isRouteKind, ROUTE_KINDS } from '../route-object.ts';
import { specOf, targetRef } from '../typed-object.ts';
import { LabelIndex } from './label-index.ts';
import type { ObjectSource } from './object-source.ts';
import { PolicyIndex } from './policy-index.ts';
import { RouteIndex } from './route-index.ts';

type LoadedIndex = { put(stored: StoredObject): void; remove(ref: ObjectRef): void };

/** An index that is not whole yet, and the objects that it is of. */
type Loading = { readonly filters: readonly ObjectFilter[]; readonly index: LoadedIndex };

/** So many objects are read in one step of `load`: a few milliseconds. */
const PAGE_SIZE = 200;

/**
 * The current objects, and who targets whom. Objects stay where they are stored and are read when they are needed.
 * An index is built when it is first asked for, or by `load` before, and then kept up by the events. It is kept only when
 * it was built to the end: reading may fail.
 */
export class World {
  #source: ObjectSource;
  readonly #policies = new Map<string, PolicyIndex>();
  readonly #labels = new Map<string, LabelIndex>();
  #routes: RouteIndex | undefined;
  /** Indexes that `load` has not built to the end: they are kept up, and nobody asks them. */
  readonly #loading = new Set<Loading>();

  constructor(source: ObjectSource) {
    this.#source = source;
  }

  /**
   * Builds the indexes of all policies and routes, and of the labels that policies select by, in small steps, so that
   * no first question has to wait for all that is there. Between the steps questions may be asked, and events come.
   */
  *load(): Generator<void> {
    const policies = new Map<string, PolicyIndex>();
    const selected = new Map<string, LabelIndex>();
    yield* this.#loadEach([{ group: AGENTGATEWAY_GROUP, kind: 'AgentgatewayPolicy' }], {
      put: (stored) => {
        const { namespace } = stored.ref;
        const index = policies.get(namespace) ?? new PolicyIndex();
        policies.set(namespace, index);
        index.put(stored);
        const { targetSelectors = [] } = specOf('AgentgatewayPolicy', stored);
        for (const { kind } of targetSelectors) selected.set(`${kind}/${namespace}`, new LabelIndex());
      },
      remove: ({ namespace, name }) => policies.get(namespace)?.remove(name),
    });
    keep(policies, this.#policies);
    const routes = new RouteIndex();
    yield* this.#loadEach(
      ROUTE_KINDS.map((kind) => ({ group: GATEWAY_GROUP, kind })),
      routes,
    );
    this.#routes ??= routes;
    for (const [key, labels] of selected) {
      const [kind = '', namespace = ''] = key.split('/');
      const { group } = targetRef(kind, namespace, '');
      const index = {
        put: (stored: StoredObject) => labels.put(stored),
        remove: ({ name }: ObjectRef) => labels.remove(name),
      };
      yield* this.#loadEach([{ group, kind, namespace }], index);
      keep(new Map([[key, labels]]), this.#labels);
    }
  }

  /** Reads objects there from now on. What the two sources differ in must be put or removed. */
  readFrom(source: ObjectSource): void {
    this.#source = source;
  }

  /** Builds the indexes that say what an object reaches. */
  buildReach({ kind, namespace }: ObjectRef): void {
    if (kind === 'AgentgatewayPolicy') this.policies(namespace);
    if (kind === 'AgentgatewayPolicy' || kind === 'AgentgatewayBackend' || isRouteKind(kind)) this.routes();
  }

  object(ref: ObjectRef): StoredObject | undefined {
    return this.#source.object(ref);
  }

  /** The policies of a namespace by what they target. */
  policies(namespace: string): PolicyIndex {
    const filter = { group: AGENTGATEWAY_GROUP, kind: 'AgentgatewayPolicy', namespace };
    return this.#built(this.#policies, namespace, new PolicyIndex(), filter);
  }

  /** The same, if it was ever asked for. */
  builtPolicies(namespace: string): PolicyIndex | undefined {
    return this.#policies.get(namespace);
  }

  /** The objects of a kind in a namespace by their labels. */
  labels(kind: string, namespace: string): LabelIndex {
    const { group } = targetRef(kind, namespace, '');
    return this.#built(this.#labels, `${kind}/${namespace}`, new LabelIndex(), { group, kind, namespace });
  }

  /** The gateways of a class. It reads all gateways: few, and a class changes rarely. */
  gatewaysOfClass(name: string): readonly GatewayName[] {
    const gateways: GatewayName[] = [];
    for (const stored of this.#source.each({ group: GATEWAY_GROUP, kind: 'Gateway' })) {
      const { namespace, name: gateway } = stored.ref;
      if (specOf('Gateway', stored).gatewayClassName === name) gateways.push({ namespace, name: gateway });
    }
    return gateways;
  }

  /** The gateways of a namespace, read anew each time. */
  gateways(namespace: string): readonly StoredObject[] {
    return [...this.#source.each({ group: GATEWAY_GROUP, kind: 'Gateway', namespace })];
  }

  /** The routes of all namespaces, by parent and by backend. */
  routes(): RouteIndex {
    if (this.#routes !== undefined) return this.#routes;
    const routes = new RouteIndex();
    for (const kind of ROUTE_KINDS) {
      for (const stored of this.#source.each({ group: GATEWAY_GROUP, kind })) routes.put(stored);
    }
    this.#routes = routes;
    return routes;
  }

  /** The same, if it was ever asked for. */
  builtRoutes(): RouteIndex | undefined {
    return this.#routes;
  }

  /** An object is there, or changed. The source has it already. */
  put(stored: StoredObject): void {
    const { kind, namespace } = stored.ref;
    this.#labels.get(`${kind}/${namespace}`)?.put(stored);
    if (isRouteKind(kind)) this.#routes?.put(stored);
    if (kind === 'AgentgatewayPolicy') this.#policies.get(namespace)?.put(stored);
    for (const index of this.#loadingOf(stored.ref)) index.put(stored);
  }

  /** An object is no more. */
  remove(ref: ObjectRef): void {
    const { kind, namespace, name } = ref;
    this.#labels.get(`${kind}/${namespace}`)?.remove(name);
    if (isRouteKind(kind)) this.#routes?.remove(ref);
    if (kind === 'AgentgatewayPolicy') this.#policies.get(namespace)?.remove(name);
    for (const index of this.#loadingOf(ref)) index.remove(ref);
    // A namespace goes when it is empty, and so are its indexes.
    if (kind !== 'Namespace') return;
    this.#policies.delete(name);
    for (const key of this.#labels.keys()) if (key.endsWith(`/${name}`)) this.#labels.delete(key);
  }

  #loadingOf({ group, kind, namespace }: ObjectRef): readonly LoadedIndex[] {
    return [...this.#loading].flatMap(({ filters, index }) =>
      filters.some(
        (filter) => filter.group === group && filter.kind === kind && (filter.namespace ?? namespace) === namespace,
      )
        ? [index]
        : [],
    );
  }

  /** Puts the objects that match, page by page, and whatever the events say of them meanwhile. */
  *#loadEach(filters: readonly ObjectFilter[], index: LoadedIndex): Generator<void> {
    const loading: Loading = { filters, index };
    this.#loading.add(loading);
    try {
      for (const filter of filters) {
        for (let last = this.#putPage(filter, index); last !== undefined; ) {
          yield;
          last = this.#putPage({ ...filter, after: last }, index);
        }
      }
    } finally {
      this.#loading.delete(loading);
    }
  }

  /** Puts the first objects that match; gives the last of them when there may be more. */
  #putPage(filter: ObjectFilter, index: LoadedIndex): ObjectRef | undefined {
    let count = 0;
    for (const stored of this.#source.each(filter)) {
      index.put(stored);
      count += 1;
      if (count === PAGE_SIZE) return stored.ref;
    }
    return undefined;
  }

  #built<Index extends { put(stored: StoredObject): void }>(
    indexes: Map<string, Index>,
    key: string,
    empty: Index,
    filter: ObjectFilter,
  ): Index {
    const present = indexes.get(key);
    if (present !== undefined) return present;
    for (const stored of this.#source.each(filter)) empty.put(stored);
    indexes.set(key, empty);
    return empty;
  }
}

/** What was built meanwhile because somebody asked stays: it was asked already. */
function keep<Index>(loaded: ReadonlyMap<string, Index>, indexes: Map<string, Index>): void {
  for (const [key, index] of loaded) if (!indexes.has(key)) indexes.set(key, index);
}
