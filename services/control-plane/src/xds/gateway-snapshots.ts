import { createHash } from 'node:crypto';
import type { Projection, Touched } from '@pulseplane/projection';
import type { GatewayName, GatewayResource } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import {
  NO_RESOURCES,
  type NodeIdentity,
  type ResourceSet,
  type ResourceSource,
  type VersionedResource,
} from '@pulseplane/xds';
import { Telling } from './telling.ts';
import type { Translation, TypedResource } from './translation.ts';

/** How long after a failure a configuration is read again, if nothing happens before. */
const RETRY_MS = 5_000;

/** What is told at once when it was quiet, is told at most once in this time when it is not (C54). */
const QUIET_MS = 50;

/** What one variant of a translation is. Unchanged resources and sets stay the same objects. */
type Made = {
  readonly sets: ReadonlyMap<string, ResourceSet>;
  /** By type and name. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
  /** The configuration has changed since. */
  stale: boolean;
};

/** A client may call itself what it likes: what was made for others is made anew then. */
const MAX_VARIANTS = 32;

/** What the clients of one gateway share. */
type Watched = {
  /** That the role names, if it names one. */
  readonly gateway: GatewayName | undefined;
  readonly listeners: Set<() => void>;
  parts: Map<string, readonly GatewayResource[]>;
  /** Absent when something has changed since it was read. */
  configuration?: readonly GatewayResource[] | undefined;
  /** What the translations made of it, by variant. */
  readonly made: Map<Translation, Map<string, Made>>;
  /** When the newest change was committed, in milliseconds of the epoch. */
  changedAt?: number;
  /** The last reading failed. */
  failed?: boolean;
};

export type GatewaySnapshotsOptions = {
  readonly projection: Projection;
  readonly logger: Logger;
  /** What is made of a gateway's configuration, for each family of clients. */
  readonly translations: readonly Translation[];
  readonly retryMs?: number;
  /** While this is so nothing is told; `invalidateAll` says when it is over. Absent: never. */
  readonly isLoading?: () => boolean;
};

/**
 * The encoded configuration of each gateway that a client asks for. A change touches the gateways that it reaches only,
 * and there the parts that come from what was changed; what comes out the same keeps its identity. Where the
 * configuration cannot be read, there is none to tell, until it can.
 */
export class GatewaySnapshots implements ResourceSource {
  readonly #projection: Projection;
  readonly #logger: Logger;
  readonly #translations: ReadonlyMap<string, Translation>;
  readonly #retryMs: number;
  readonly #isLoading: () => boolean;
  // Kept for those who watch only, so that a role that anybody may invent costs nothing for long.
  readonly #watched = new Map<string, Watched>();
  readonly #stale = new Set<string>();
  readonly #toldListeners = new Set<(gateway: GatewayName) => void>();
  readonly #telling = new Telling((role) => {
    const gateway = parseRole(role);
    if (gateway !== undefined) for (const listener of this.#toldListeners) listener(gateway);
  });
  #pending: NodeJS.Immediate | undefined;
  #later: NodeJS.Timeout | undefined;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #retry: NodeJS.Timeout | undefined;

  constructor({
    projection,
    logger,
    translations,
    retryMs = RETRY_MS,
    isLoading = () => false,
  }: GatewaySnapshotsOptions) {
    this.#projection = projection;
    this.#logger = logger;
    this.#translations = new Map(
      translations.flatMap((translation) => translation.typeUrls.map((typeUrl) => [typeUrl, translation])),
    );
    this.#retryMs = retryMs;
    this.#isLoading = isLoading;
  }

  resources(node: NodeIdentity, typeUrl: string): ResourceSet | undefined {
    const { role } = node;
    const translation = this.#translations.get(typeUrl);
    const watched = this.#watched.get(role) ?? newlyWatched(role);
    if (watched.gateway === undefined || translation === undefined) return NO_RESOURCES;
    if (this.#isLoading()) return undefined;
    try {
      const { sets } = this.#make(watched.gateway, watched, translation, node);
      if (watched.failed === true) this.#logger.info({ role }, "a gateway's configuration can be read again");
      watched.failed = false;
      return sets.get(typeUrl) ?? NO_RESOURCES;
    } catch (err) {
      // A failure is no reason to end the process or a stream: the gateway has news until they were read and told.
      if (watched.failed !== true) {
        this.#logger.error({ role, err }, "a gateway's configuration cannot be read: its workers keep what they have");
      }
      watched.failed = true;
      this.#stale.add(role);
      this.#retry ??= setTimeout(() => this.#announce(), this.#retryMs).unref();
      return undefined;
    }
  }

  /** The gateway resources that what a node was sent says something of; none when nobody made such a resource lately. */
  sourcesOf(node: NodeIdentity, typeUrl: string, name: string): readonly string[] {
    const translation = this.#translations.get(typeUrl);
    const variants = translation && this.#watched.get(node.role)?.made.get(translation);
    const made = variants?.get(translation?.variantOf?.(node) ?? '');
    return made?.sources.get(`${typeUrl} ${name}`) ?? [];
  }

  watch({ role }: NodeIdentity, changed: () => void): () => void {
    const watched = this.#watched.get(role) ?? newlyWatched(role);
    this.#watched.set(role, watched);
    watched.listeners.add(changed);
    return () => {
      watched.listeners.delete(changed);
      this.#telling.leave(role, changed);
      if (watched.listeners.size === 0) this.#watched.delete(role);
    };
  }

  /** Something has changed, by what was committed then. What it came to shows in the content hashes. */
  invalidate(touched: readonly Touched[], committedAt = Date.now()): void {
    for (const { gateway, part } of touched) {
      const role = roleOf(gateway);
      const watched = this.#watched.get(role);
      if (watched === undefined) continue;
      if (part === undefined) watched.parts.clear();
      else watched.parts.delete(part);
      for (const variants of watched.made.values()) for (const made of variants.values()) made.stale = true;
      watched.configuration = undefined;
      watched.changedAt = committedAt;
      this.#stale.add(role);
    }
    if (this.#stale.size === 0) return;
    const waitMs = this.#announcedAt + QUIET_MS - performance.now();
    if (waitMs > 0) this.#later ??= setTimeout(() => this.#announce(), waitMs);
    else this.#pending ??= setImmediate(() => this.#announce());
  }

  /** Anything may have changed. */
  invalidateAll(): void {
    const gateways = [...this.#watched.keys()].map(parseRole);
    this.invalidate(gateways.flatMap((gateway) => (gateway === undefined ? [] : [{ gateway }])));
  }

  /** Whether something has changed for a gateway that not all of its workers were told of yet. */
  hasNews(gateway: GatewayName): boolean {
    const role = roleOf(gateway);
    return this.#stale.has(role) || this.#telling.isTelling(role);
  }

  /** Calls back when all workers of a gateway have been told that something has changed. */
  onTold(listener: (gateway: GatewayName) => void): void {
    this.#toldListeners.add(listener);
  }

  /** When the newest change of a role's configuration was committed, if one came while it was watched. */
  changedAt(role: string): number | undefined {
    return this.#watched.get(role)?.changedAt;
  }

  #make(gateway: GatewayName, watched: Watched, translation: Translation, node: NodeIdentity): Made {
    const variant = translation.variantOf?.(node) ?? '';
    const variants = watched.made.get(translation) ?? new Map<string, Made>();
    const former = variants.get(variant);
    if (former?.stale === false) return former;
    if (watched.configuration === undefined) {
      watched.parts = new Map(this.#projection.gatewayParts(gateway, watched.parts));
      watched.configuration = [...watched.parts.values()].flat();
    }
    const typed = translation.translate(gateway, watched.configuration, variant);
    const made: Made = {
      sets: new Map(
        translation.typeUrls.map((typeUrl): [string, ResourceSet] => [
          typeUrl,
          renew(former?.sets.get(typeUrl) ?? NO_RESOURCES, typed, typeUrl),
        ]),
      ),
      sources: new Map(
        typed.flatMap(({ typeUrl, name, sources }) => (sources === undefined ? [] : [[`${typeUrl} ${name}`, sources]])),
      ),
      stale: false,
    };
    if (variants.size >= MAX_VARIANTS) variants.clear();
    watched.made.set(translation, variants.set(variant, made));
    return made;
  }

  #announce(): void {
    clearImmediate(this.#pending);
    clearTimeout(this.#later);
    clearTimeout(this.#retry);
    this.#pending = undefined;
    this.#later = undefined;
    this.#retry = undefined;
    this.#announcedAt = performance.now();
    const roles = [...this.#stale];
    this.#stale.clear();
    for (const role of roles) this.#telling.add(role, this.#watched.get(role)?.listeners ?? []);
    this.#telling.begin();
  }
}

function newlyWatched(role: string): Watched {
  return { gateway: parseRole(role), listeners: new Set(), parts: new Map(), made: new Map() };
}

/** The set of a type. What has the same bytes stays the same object, the whole set too. */
function renew(former: ResourceSet, typed: readonly TypedResource[], typeUrl: string): ResourceSet {
  const renewed = new Map<string, VersionedResource>();
  let same = true;
  for (const { name, value, ...resource } of typed) {
    if (resource.typeUrl !== typeUrl) continue;
    const before = former.get(name);
    if (before !== undefined && (before.body === value || equalBytes(before.body, value))) renewed.set(name, before);
    else {
      same = false;
      renewed.set(name, { name, body: value, version: contentHash(value) });
    }
  }
  return same && renewed.size === former.size ? former : renewed;
}

function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && Buffer.compare(one, other) === 0;
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
