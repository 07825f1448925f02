import type { ObjectFilter } from '@pulseplane/event-log';
import { AGENTGATEWAY_GROUP, GATEWAY_GROUP, type ObjectRef, type StoredObject } from '@pulseplane/resources';
import type { GatewayName } from '../gateway/resource.ts';
import { isRouteKind, ROUTE_KINDS } from '../route-object.ts';
import { specOf, targetRef } from '../typed-object.ts';
import { LabelIndex } from './label-index.ts';
import type { ObjectSource } from './object-source.ts';
import { PolicyIndex } from './policy-index.ts';
import { RouteIndex } from './route-index.ts';

/**
 * The current objects, and who targets whom. Objects stay where they are stored and are read when they are needed.
 * An index is built when it is first asked for, and then kept up by the events; what nobody asks for costs nothing.
 * It is kept only when it was built to the end: reading may fail.
 */
export class World {
  #source: ObjectSource;
  readonly #policies = new Map<string, PolicyIndex>();
  readonly #labels = new Map<string, LabelIndex>();
  #routes: RouteIndex | undefined;

  constructor(source: ObjectSource) {
    this.#source = source;
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
  }

  /** An object is no more. */
  remove(ref: ObjectRef): void {
    const { kind, namespace, name } = ref;
    this.#labels.get(`${kind}/${namespace}`)?.remove(name);
    if (isRouteKind(kind)) this.#routes?.remove(ref);
    if (kind === 'AgentgatewayPolicy') this.#policies.get(namespace)?.remove(name);
    // A namespace goes when it is empty, and so are its indexes.
    if (kind !== 'Namespace') return;
    this.#policies.delete(name);
    for (const key of this.#labels.keys()) if (key.endsWith(`/${name}`)) this.#labels.delete(key);
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
