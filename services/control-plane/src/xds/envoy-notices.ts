import { LISTENER_TYPE_URL, toEnvoy } from '@pulseplane/envoy';
import type { GatewayParts, Projection, Touched } from '@pulseplane/projection';
import type { GatewayName } from '@pulseplane/projection/gateway';
import type { StoredObject } from '@pulseplane/resources';
import { isEnvoy } from './envoy-translation.ts';
import type { Fleet } from './fleet.ts';
import { roleOf } from './gateway-snapshots.ts';

/** What of a gateway's configuration an Envoy drains for, and what it cannot be told. */
type Seen = {
  readonly parts: GatewayParts;
  /** By name. */
  readonly listeners: ReadonlyMap<string, Uint8Array>;
  /** About policies. Routes are many, so each is looked at when it changes only. */
  readonly remarks: ReadonlySet<string>;
};

/** Of so many of the newest events it is known what they did. */
const MAX_EVENTS = 1_024;

const NO_PARTS: GatewayParts = new Map();
const NOTHING: ReadonlySet<string> = new Set();

/** What is compared does not depend on what the Envoys are. */
const ANY_ENVOY = { listenAddress: '127.0.0.1', listenerKeepalive: 'field' } as const;

/**
 * What changes do to the Envoys that are connected, for who makes them: any byte of a Listener that changes makes Envoy
 * close the connections that are open there, sooner or later, in use or not.
 */
export class EnvoyNotices {
  readonly #projection: Projection;
  readonly #fleet: Pick<Fleet, 'workers'>;
  /** Of each gateway that an Envoy serves. */
  readonly #seen = new Map<string, Seen>();
  readonly #bySeq = new Map<number, readonly string[]>();

  constructor(projection: Projection, fleet: Pick<Fleet, 'workers'>) {
    this.#projection = projection;
    this.#fleet = fleet;
  }

  /** Envoys have come or gone. */
  fleetChanged(): void {
    const served = new Map(
      this.#fleet.workers().flatMap(({ node, gateway }) => (isEnvoy(node) ? [[roleOf(gateway), gateway]] : [])),
    );
    for (const role of this.#seen.keys()) if (!served.has(role)) this.#seen.delete(role);
    for (const [role, gateway] of served) {
      const seen = this.#seen.get(role) ?? this.#look(gateway, NO_PARTS, NOTHING)?.seen;
      if (seen !== undefined) this.#seen.set(role, seen);
    }
  }

  /** An event was taken in by the projection. */
  committed(seq: number, touched: readonly Touched[]): void {
    const notices = this.#compare(touched, (role, now) => {
      if (now === undefined) this.#seen.delete(role);
      else this.#seen.set(role, now);
    });
    if (notices.length === 0) return;
    this.#bySeq.set(seq, notices);
    const [oldest] = this.#bySeq.keys();
    if (this.#bySeq.size > MAX_EVENTS && oldest !== undefined) this.#bySeq.delete(oldest);
  }

  /** What these events did, as far as that is still known. */
  of(seqs: readonly number[]): readonly string[] {
    return [...new Set(seqs.flatMap((seq) => this.#bySeq.get(seq) ?? []))];
  }

  /** What would come of an object that is stored as given. */
  ofDraft(draft: StoredObject): readonly string[] {
    return this.#seen.size === 0 ? [] : this.#projection.preview([draft], (touched) => this.ofTouched(touched));
  }

  /** What would come of the drafts of a preview, which asks while it goes on. */
  ofTouched(touched: readonly Touched[]): readonly string[] {
    return this.#compare(touched);
  }

  #compare(
    touched: readonly Touched[],
    keep: (role: string, now: Seen | undefined) => void = () => undefined,
  ): readonly string[] {
    const gateways = new Map(touched.map(({ gateway }) => [roleOf(gateway), gateway]));
    return [...gateways].flatMap(([role, gateway]) => {
      const before = this.#seen.get(role);
      if (before === undefined) return [];
      const changed = touched.filter((one) => roleOf(one.gateway) === role).map(({ part }) => part);
      const known = new Map(changed.includes(undefined) ? NO_PARTS : before.parts);
      for (const part of changed) if (part !== undefined) known.delete(part);
      const now = this.#look(gateway, known, new Set(changed));
      keep(role, now?.seen);
      return now === undefined ? [] : differences(gateway, before, now);
    });
  }

  /** Undefined where the configuration cannot be read: that is logged where it is sent from. */
  #look(
    { namespace, name }: GatewayName,
    known: GatewayParts,
    changed: ReadonlySet<string | undefined>,
  ): Looked | undefined {
    const gateway = { namespace, name };
    let parts: GatewayParts;
    try {
      parts = this.#projection.gatewayParts(gateway, known);
    } catch {
      return undefined;
    }
    const resources = [...parts].flatMap(([part, all]) =>
      changed.has(part) ? all : all.filter(({ kind }) => kind !== 'route'),
    );
    const translated = toEnvoy(gateway, resources, ANY_ENVOY);
    const listeners = translated.resources.filter(({ typeUrl }) => typeUrl === LISTENER_TYPE_URL);
    const said = translated.remarks.map(({ source, message }) => `${source}: ${message}`);
    const isOfPolicy = (remark: string): boolean => remark.startsWith('policy/');
    return {
      seen: {
        parts,
        listeners: new Map(listeners.map((listener) => [listener.name, listener.value])),
        remarks: new Set(said.filter(isOfPolicy)),
      },
      routeRemarks: said.filter((remark) => !isOfPolicy(remark)),
    };
  }
}

/** What is there now, and what is to be said of the routes that changed. */
type Looked = { readonly seen: Seen; readonly routeRemarks: readonly string[] };

function differences(
  { namespace, name }: GatewayName,
  before: Seen,
  { seen: now, routeRemarks }: Looked,
): readonly string[] {
  const drained = [...before.listeners].flatMap(([listener, bytes]) => {
    const after = now.listeners.get(listener);
    return after !== undefined && Buffer.compare(bytes, after) === 0 ? [] : [Number.parseInt(listener, 10)];
  });
  const remarks = [...[...now.remarks].filter((remark) => !before.remarks.has(remark)), ...routeRemarks];
  return [
    ...(drained.length === 0
      ? []
      : [
          `Gateway ${namespace}/${name}: Envoy closes the connections that are open on port ${drained.sort((a, b) => a - b).join(', ')}, in use or not, when its drain time is over (--drain-time-s, 600 s unless set)`,
        ]),
    ...remarks.map((remark) => `Gateway ${namespace}/${name} on Envoy: ${remark}`),
  ];
}
