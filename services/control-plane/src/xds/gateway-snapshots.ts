import { createHash } from 'node:crypto';
import type { Projection, Touched } from '@pulseplane/projection';
import { type GatewayName, type GatewayResource, resourceName } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import { encodeResource, RESOURCE_TYPE_URL } from '@pulseplane/wire';
import type { ResourceSet, ResourceSource, VersionedResource } from '@pulseplane/xds';

const NOTHING: ResourceSet = new Map();

/** How long after a failure a configuration is read again, if nothing happens before. */
const RETRY_MS = 5_000;

/** What the workers of one gateway share. `resources` is absent when something has changed since it was made. */
type Watched = {
  readonly listeners: Set<(typeUrl: string) => void>;
  parts: Map<string, readonly GatewayResource[]>;
  resources?: ResourceSet | undefined;
  /** The last reading failed. */
  failed?: boolean;
};

/**
 * The encoded configuration of each gateway that a worker asks for. A change touches the gateways that it reaches only,
 * and there the parts that come from what was changed; the rest keeps its bytes. Where the configuration cannot be read,
 * there is none to tell, until it can.
 */
export class GatewaySnapshots implements ResourceSource {
  readonly #projection: Projection;
  readonly #logger: Logger;
  readonly #retryMs: number;
  // Kept for those who watch only, so that a role that anybody may invent costs nothing for long.
  readonly #watched = new Map<string, Watched>();
  readonly #encoded = new WeakMap<GatewayResource, VersionedResource>();
  readonly #stale = new Set<string>();
  #pending: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(projection: Projection, logger: Logger, retryMs = RETRY_MS) {
    this.#projection = projection;
    this.#logger = logger;
    this.#retryMs = retryMs;
  }

  resources(role: string, typeUrl: string): ResourceSet | undefined {
    const gateway = parseRole(role);
    if (gateway === undefined || typeUrl !== RESOURCE_TYPE_URL) return NOTHING;
    const watched: Watched = this.#watched.get(role) ?? { listeners: new Set(), parts: new Map() };
    watched.resources ??= this.#read(gateway, watched);
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

  /** Anything may have changed. */
  invalidateAll(): void {
    const gateways = [...this.#watched.keys()].map(parseRole);
    this.invalidate(gateways.flatMap((gateway) => (gateway === undefined ? [] : [{ gateway }])));
  }

  /** Whether something has changed for a gateway that its workers were not told of yet. */
  hasNews(gateway: GatewayName): boolean {
    return this.#stale.has(roleOf(gateway));
  }

  /** A failure is no reason to end the process or a stream: the gateway has news until they were read and told. */
  #read(gateway: GatewayName, watched: Watched): ResourceSet | undefined {
    const role = roleOf(gateway);
    try {
      const parts = new Map(this.#projection.gatewayParts(gateway, watched.parts));
      const resources = this.#encodeAll([...parts.values()].flat());
      if (watched.failed === true) this.#logger.info({ role }, "a gateway's configuration can be read again");
      watched.failed = false;
      watched.parts = parts;
      return resources;
    } catch (err) {
      if (watched.failed !== true) {
        this.#logger.error({ role, err }, "a gateway's configuration cannot be read: its workers keep what they have");
      }
      watched.failed = true;
      this.#stale.add(role);
      this.#retry ??= setTimeout(() => this.#announce(), this.#retryMs).unref();
      return undefined;
    }
  }

  #announce(): void {
    clearImmediate(this.#pending);
    clearTimeout(this.#retry);
    this.#pending = undefined;
    this.#retry = undefined;
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
