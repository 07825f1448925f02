import { createHash } from 'node:crypto';
import type { Projection, Touched } from '@pulseplane/projection';
import { type GatewayName, type GatewayResource, resourceName } from '@pulseplane/projection/gateway';
import { encodeResource, RESOURCE_TYPE_URL } from '@pulseplane/wire';
import type { ResourceSet, ResourceSource, VersionedResource } from '@pulseplane/xds';

const NOTHING: ResourceSet = new Map();

/** What the workers of one gateway share. `resources` is absent when something has changed since it was made. */
type Watched = {
  readonly listeners: Set<(typeUrl: string) => void>;
  parts: Map<string, readonly GatewayResource[]>;
  resources?: ResourceSet | undefined;
};

/**
 * The encoded configuration of each gateway that a worker asks for. A change touches the gateways that it reaches only,
 * and there the parts that come from what was changed; the rest keeps its bytes.
 */
export class GatewaySnapshots implements ResourceSource {
  readonly #projection: Projection;
  // Kept for those who watch only, so that a role that anybody may invent costs nothing for long.
  readonly #watched = new Map<string, Watched>();
  readonly #encoded = new WeakMap<GatewayResource, VersionedResource>();
  readonly #stale = new Set<string>();
  #pending: NodeJS.Immediate | undefined;

  constructor(projection: Projection) {
    this.#projection = projection;
  }

  resources(role: string, typeUrl: string): ResourceSet {
    const gateway = parseRole(role);
    if (gateway === undefined || typeUrl !== RESOURCE_TYPE_URL) return NOTHING;
    const watched = this.#watched.get(role);
    if (watched === undefined) return this.#encodeAll(this.#projection.gateway(gateway));
    if (watched.resources === undefined) {
      watched.parts = new Map(this.#projection.gatewayParts(gateway, watched.parts));
      watched.resources = this.#encodeAll([...watched.parts.values()].flat());
    }
    return watched.resources;
  }

  watch(role: string, changed: (typeUrl: string) => void): () => void {
    const watched = this.#watched.get(role) ?? { listeners: new Set(), parts: new Map() };
    this.#watched.set(role, watched);
    watched.listeners.add(changed);
    return () => {
      watched.listeners.delete(changed);
      if (watched.listeners.size === 0) this.#watched.delete(role);
    };
  }

  /** Something has changed. Changes of one turn are told once; what they came to shows in the content hashes. */
  invalidate(touched: readonly Touched[]): void {
    for (const { gateway, part } of touched) {
      const role = roleOf(gateway);
      const watched = this.#watched.get(role);
      if (watched === undefined) continue;
      if (part === undefined) watched.parts.clear();
      else watched.parts.delete(part);
      watched.resources = undefined;
      this.#stale.add(role);
    }
    if (this.#stale.size > 0) this.#pending ??= setImmediate(() => this.#announce());
  }

  /** Whether something has changed for a gateway that its workers were not told of yet. */
  hasNews(gateway: GatewayName): boolean {
    return this.#stale.has(roleOf(gateway));
  }

  #announce(): void {
    this.#pending = undefined;
    const roles = [...this.#stale];
    this.#stale.clear();
    for (const role of roles) {
      for (const changed of this.#watched.get(role)?.listeners ?? []) changed(RESOURCE_TYPE_URL);
    }
  }

  #encodeAll(resources: readonly GatewayResource[]): ResourceSet {
    return new Map(resources.map((resource) => [resourceName(resource), this.#encode(resource)]));
  }

  #encode(resource: GatewayResource): VersionedResource {
    const known = this.#encoded.get(resource);
    if (known !== undefined) return known;
    const body = encodeResource(resource);
    const encoded = { name: resourceName(resource), body, version: contentHash(body) };
    this.#encoded.set(resource, encoded);
    return encoded;
  }
}

/** Reads agentgateway's role metadata, `<namespace>~<gateway>`. */
export function parseRole(role: string): GatewayName | undefined {
  const [namespace, name, ...rest] = role.split('~');
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined;
}

/** The role of a gateway's workers. */
export function roleOf({ namespace, name }: GatewayName): string {
  return `${namespace}~${name}`;
}

/** Equal content has an equal version, on every replica and after every restart (C20, C39). */
function contentHash(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 32);
}
