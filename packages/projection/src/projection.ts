import type { StoredEvent } from '@pulseplane/event-log';
import type { JsonObject, ObjectRef, StoredObject } from '@pulseplane/resources';
import { affectedObjects } from './affected-objects.ts';
import { type BackendSettings, backendSettings } from './backend-settings.ts';
import type { BackendPath } from './gateway/effective-backend.ts';
import type { GatewayName, GatewayResource } from './gateway/resource.ts';
import { type GatewayParts, projectGateway } from './gateway-projection.ts';
import { type Overridden, overriddenOnPath, overriddenPolicies } from './overridden-policies.ts';
import { gatewaysOf, type PortSettings, portSettings } from './port-settings.ts';
import { reach, type Touched } from './reach.ts';
import { condition } from './status/condition.ts';
import { gatewayClassStatus } from './status/gateway-class-status.ts';
import { gatewayStatus } from './status/gateway-status.ts';
import { policyStatus } from './status/policy-status.ts';
import type { WorkerObservation } from './status/programmed.ts';
import { routeStatus } from './status/route-status.ts';
import type { ObjectSource } from './world/object-source.ts';
import { withDrafts } from './world/with-drafts.ts';
import { World } from './world/world.ts';

/**
 * What follows from the log: each gateway's configuration, and every object's status. Nothing is kept that can be read,
 * and what is kept moves with the events: an answer costs what it is about, not what there is.
 */
export class Projection {
  readonly #source: ObjectSource;
  #world: World;

  /** `source` must know of each event before `apply` is told of it. What it throws is thrown by every question. */
  constructor(source: ObjectSource) {
    this.#source = source;
    this.#world = new World(source);
  }

  /**
   * Reads what every question needs, a few milliseconds in each step, so that the first one does not have to. Between the
   * steps it may be asked, which then may take long, and told of events.
   */
  load(): Iterable<void> {
    return this.#world.load();
  }

  /**
   * Takes an event in. Says what it may have changed; what it does not name is as it was. When it throws, the event was
   * taken in half: `forget` then.
   */
  apply(event: StoredEvent): readonly Touched[] {
    if (event.type === 'Compacted') return [];
    const { uid: _, ...ref } = event.subject;
    if (event.type !== 'Deleted') {
      return this.#put({ ref, version: event.seq, changedAt: event.time, object: event.object });
    }
    const before = reach(this.#world, ref);
    this.#world.remove(ref);
    return [...before, ...reach(this.#world, ref)];
  }

  /**
   * Asks what would follow if objects, each once, were stored as given: until `ask` returns, every answer is as if they
   * were, and `ask` hears what that may have changed. It costs what the objects reach. `ask` must not wait: nobody else
   * may ask meanwhile. There must be no event that `apply` was not told of.
   */
  preview<Answer>(drafts: readonly StoredObject[], ask: (touched: readonly Touched[]) => Answer): Answer {
    const world = this.#world;
    // All that reads the source, and so may fail, comes before the first change.
    const before = drafts.map(({ ref }) => ({ ref, stored: this.#source.object(ref) }));
    for (const { ref } of drafts) world.buildReach(ref);
    try {
      world.readFrom(withDrafts(this.#source, drafts));
      return ask(drafts.flatMap((draft) => this.#put(draft)));
    } finally {
      world.readFrom(this.#source);
      for (const { ref, stored } of before) {
        if (stored === undefined) world.remove(ref);
        else world.put(stored);
      }
    }
  }

  /** Drops what is kept; the next questions read it anew. What was answered before may be outdated. */
  forget(): void {
    this.#world = new World(this.#source);
  }

  /** Everything that the workers of a gateway need. Empty when there is no such gateway of ours. */
  gateway(name: GatewayName): readonly GatewayResource[] {
    return [...this.gatewayParts(name, new Map()).values()].flat();
  }

  /** The same in parts. Parts of before that no event has touched since are taken over as they are. */
  gatewayParts(name: GatewayName, before: GatewayParts): GatewayParts {
    return projectGateway(this.#world, name, before);
  }

  /** At most `limit` of the policies that set something for a port of a gateway, and are not in force there. */
  overridden(gateway: GatewayName, port: number, limit: number): readonly Overridden[] {
    return overriddenPolicies(this.#world, gateway, port, limit);
  }

  /** The same for the way from a listener to a backend. */
  overriddenOnPath(path: BackendPath, limit: number): readonly Overridden[] {
    return overriddenOnPath(this.#world, path, limit);
  }

  /** The ports of a gateway with what is in force on them. With a draft: as if that policy were stored as given. */
  portSettings(gateway: StoredObject, draft?: StoredObject): readonly PortSettings[] {
    return portSettings(this.#world, gateway, draft);
  }

  /** The TCP settings in force on the ways to a backend, stored or not yet; ways alike once. */
  backendSettings(backend: StoredObject): readonly BackendSettings[] {
    return backendSettings(this.#world, backend);
  }

  /** The gateways that a policy reaches, stored or not yet. */
  gatewaysOf(policy: StoredObject): readonly StoredObject[] {
    return gatewaysOf(this.#world, policy);
  }

  /** Objects whose status may follow from a gateway, route or backend: policies that come first there, some routes. */
  affected(ref: ObjectRef, limit: number): readonly ObjectRef[] {
    return affectedObjects(this.#world, ref, limit);
  }

  /** The status of an object; undefined for kinds without one. `observe` says what a gateway's workers run. */
  status(stored: StoredObject, observe: (gateway: GatewayName) => WorkerObservation): JsonObject | undefined {
    switch (stored.ref.kind) {
      case 'AgentgatewayPolicy':
        return policyStatus(this.#world, stored, observe);
      case 'Gateway':
        return gatewayStatus(this.#world, stored, observe(stored.ref));
      case 'HTTPRoute':
      case 'TCPRoute':
      case 'TLSRoute':
        return routeStatus(this.#world, stored);
      case 'AgentgatewayBackend':
        return { conditions: [condition('Accepted', 'True', 'Accepted', 'Backend is accepted', [stored])] };
      case 'GatewayClass':
        return gatewayClassStatus(stored);
      case 'Namespace':
        return { phase: stored.object.metadata.deletionTimestamp === undefined ? 'Active' : 'Terminating' };
      default:
        return undefined;
    }
  }

  #put(stored: StoredObject): readonly Touched[] {
    const before = reach(this.#world, stored.ref);
    this.#world.put(stored);
    return [...before, ...reach(this.#world, stored.ref)];
  }
}
