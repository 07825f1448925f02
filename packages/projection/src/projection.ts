import type { StoredEvent } from '@pulseplane/event-log';
import type { JsonObject, StoredObject } from '@pulseplane/resources';
import type { GatewayName, GatewayResource } from './gateway/resource.ts';
import { projectGateway } from './gateway-projection.ts';
import { PolicyAttachments } from './policy-attachment.ts';
import { condition } from './status/condition.ts';
import { gatewayStatus, type WorkerObservation } from './status/gateway-status.ts';
import { policyStatus } from './status/policy-status.ts';
import { routeStatus } from './status/route-status.ts';
import { World } from './world.ts';

/** What follows from the log: each gateway's configuration, and every object's status. */
export class Projection {
  readonly #world: World;
  #attachments: { readonly revision: number; readonly value: PolicyAttachments } | undefined;

  /** Starts from the log's table of current objects; `apply` takes it on from there. */
  constructor(objects: Iterable<StoredObject>) {
    this.#world = World.from(objects);
  }

  apply(event: StoredEvent): void {
    this.#world.apply(event);
  }

  /** Everything that the workers of a gateway need. Empty when there is no such gateway. */
  gateway(name: GatewayName): readonly GatewayResource[] {
    return projectGateway(this.#world, this.#policyAttachments(), name);
  }

  /** The status of an object; undefined for kinds without one. `observe` says what a gateway's workers run. */
  status(stored: StoredObject, observe: (gateway: GatewayName) => WorkerObservation): JsonObject | undefined {
    // A stored object of another moment has the same content under another identity; the fold's own is asked for.
    const current = this.#world.get(stored.ref) ?? stored;
    switch (stored.ref.kind) {
      case 'AgentgatewayPolicy':
        return policyStatus(this.#policyAttachments(), current);
      case 'Gateway':
        return gatewayStatus(this.#world, current, observe(stored.ref));
      case 'HTTPRoute':
      case 'TCPRoute':
        return routeStatus(this.#world, current);
      case 'AgentgatewayBackend':
        return { conditions: [condition('Accepted', 'True', 'Accepted', 'Backend is accepted', [current])] };
      case 'Namespace':
        return { phase: 'Active' };
      default:
        return undefined;
    }
  }

  #policyAttachments(): PolicyAttachments {
    const { revision } = this.#world;
    if (this.#attachments?.revision !== revision) {
      this.#attachments = { revision, value: new PolicyAttachments(this.#world) };
    }
    return this.#attachments.value;
  }
}
