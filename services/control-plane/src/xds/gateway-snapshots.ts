import { createHash } from 'node:crypto';
import type { Projection } from '@pulseplane/projection';
import { type GatewayName, resourceName } from '@pulseplane/projection/gateway';
import { encodeResource, RESOURCE_TYPE_URL } from '@pulseplane/wire';
import type { ResourceSet, ResourceSource } from '@pulseplane/xds';

const NOTHING: ResourceSet = new Map();

/** The encoded configuration of each gateway that a worker asks for, kept until the projection changes. */
export class GatewaySnapshots implements ResourceSource {
  readonly #projection: Projection;
  readonly #snapshots = new Map<string, ResourceSet>();
  readonly #watchers = new Map<string, Set<(typeUrl: string) => void>>();
  #pending: NodeJS.Immediate | undefined;

  constructor(projection: Projection) {
    this.#projection = projection;
  }

  resources(role: string, typeUrl: string): ResourceSet {
    const gateway = parseRole(role);
    if (gateway === undefined || typeUrl !== RESOURCE_TYPE_URL) return NOTHING;
    let snapshot = this.#snapshots.get(role);
    if (snapshot === undefined) {
      snapshot = new Map(
        this.#projection.gateway(gateway).map((resource) => {
          const name = resourceName(resource);
          const body = encodeResource(resource);
          return [name, { name, body, version: contentHash(body) }];
        }),
      );
      // Kept for those who watch only, so that a role that anybody may invent costs nothing for long.
      if (this.#watchers.has(role)) this.#snapshots.set(role, snapshot);
    }
    return snapshot;
  }

  watch(role: string, changed: (typeUrl: string) => void): () => void {
    const watchers = this.#watchers.get(role) ?? new Set();
    this.#watchers.set(role, watchers.add(changed));
    return () => {
      watchers.delete(changed);
      if (watchers.size > 0) return;
      this.#watchers.delete(role);
      this.#snapshots.delete(role);
    };
  }

  /** The projection has changed. Changes of one turn are told once; what they touched shows in the content hashes. */
  invalidate(): void {
    this.#snapshots.clear();
    this.#pending ??= setImmediate(() => {
      this.#pending = undefined;
      for (const watchers of this.#watchers.values()) for (const changed of watchers) changed(RESOURCE_TYPE_URL);
    });
  }
}

/** Reads agentgateway's role metadata, `<namespace>~<gateway>`. */
export function parseRole(role: string): GatewayName | undefined {
  const [namespace, name, ...rest] = role.split('~');
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined;
}

/** Equal content has an equal version, on every replica and after every restart (C20, C39). */
function contentHash(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 32);
}
