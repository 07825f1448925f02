import type { PortFailure, WorkerObservation } from '@pulseplane/projection';
import type { GatewayName } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import type { WorkerName, WorkerReport } from '@pulseplane/tunnel';
import type { DiscoveryStream, NodeIdentity, RefusalRule, ServerOutput, StreamObserver } from '@pulseplane/xds';
import { parseRole, roleOf } from './gateway-snapshots.ts';
import { PortReports } from './port-reports.ts';
import { newTypeRecord, note, type OpenTypeRecord, recordOf, type TypeRecord } from './type-record.ts';

/** A worker whose stream is open. */
export type ConnectedWorker = {
  readonly node: NodeIdentity;
  readonly gateway: GatewayName;
  /** `address:port` of its end of the connection. */
  readonly peer: string;
  readonly since: Date;
  /** Whether it has answered a configuration. */
  readonly configured: boolean;
};

/** What is known of a stream, open or gone. */
export type StreamRecord = {
  readonly stream: DiscoveryStream;
  readonly since: Date;
  readonly goneAt?: Date;
  readonly types: readonly TypeRecord[];
};

/** What the open streams of one role share. */
type Role = {
  /** That it names, if it names one. */
  readonly gateway: GatewayName | undefined;
  /** When a worker of it was last heard of. */
  heardAt: Date;
  readonly streams: Set<Entry>;
};

type Entry = {
  readonly stream: DiscoveryStream;
  readonly role: Role;
  readonly since: Date;
  configured: boolean;
  readonly ports: PortReports;
  readonly types: OpenTypeRecord[];
};

export type FleetOptions = {
  /** Names the gateway resources that what a node was sent says something of, where it is not one itself. */
  readonly sourcesOf?: SourcesOf;
  /** Another time for {@link REPORT_WITHIN_MS}. */
  readonly reportWithinMs?: number;
};

type SourcesOf = (node: NodeIdentity, typeUrl: string, name: string) => readonly string[];

type Rejected = Extract<WorkerObservation, { kind: 'connected' }>['rejections'][number];

/** How many streams that have ended are remembered, and for how long. */
const MAX_GONE = 1_000;
const GONE_MS = 3_600_000;

/**
 * How long after its answer a worker may take to say how its ports are. Then its answer is enough until it says
 * something: its tunnel may lead to another replica.
 */
const REPORT_WITHIN_MS = 5_000;

/** Of so many roles it is remembered when their last worker has left. */
const MAX_LEFT = 1_000;

/** What the connected workers say of what they were sent. Observation only: it is shown, it decides nothing. */
export class Fleet implements StreamObserver {
  readonly #logger: Logger;
  readonly #now: () => Date;
  readonly #sourcesOf: SourcesOf;
  readonly #reportWithinMs: number;
  readonly #streams = new Map<number, Entry>();
  readonly #gone = new Map<number, StreamRecord & { readonly goneAt: Date }>();
  readonly #listeners = new Set<() => void>();
  readonly #answerListeners = new Set<(gateway: GatewayName) => void>();
  readonly #roles = new Map<string, Role>();
  /** When the last worker of each other role has left, the latest last; before all of them, this process began. */
  readonly #left = new Map<string, Date>();
  readonly #began: Date;
  #latest: Date;

  constructor(logger: Logger, now: () => Date, options: FleetOptions = {}) {
    this.#logger = logger;
    this.#now = now;
    this.#sourcesOf = options.sourcesOf ?? (() => []);
    this.#reportWithinMs = options.reportWithinMs ?? REPORT_WITHIN_MS;
    this.#began = now();
    this.#latest = this.#began;
  }

  opened(stream: DiscoveryStream): void {
    const { id, node, peer } = stream;
    const role = this.#join(node);
    const { gateway } = role;
    const ports = new PortReports(node.reportsPorts === true, this.#reportWithinMs, () => {
      this.#logger.warn({ node: node.id }, 'a worker does not say how its ports are: its answers are enough');
      this.#tellAnswer(role);
    });
    const entry: Entry = { stream, role, since: this.#now(), configured: false, ports, types: [] };
    this.#streams.set(id, entry);
    role.streams.add(entry);
    this.#changed();
    this.#tellAnswer(role);
    if (gateway === undefined) {
      this.#logger.warn(
        { stream: id, node: node.id, role: node.role, peer },
        'a worker connected without a role of the form <namespace>~<gateway>: it is sent nothing',
      );
    } else this.#logger.info({ stream: id, node: node.id, role: node.role, peer }, 'worker connected');
  }

  requested({ id }: DiscoveryStream, typeUrl: string): void {
    const types = this.#streams.get(id)?.types;
    if (types !== undefined && recordOf(types, typeUrl) === undefined) types.push(newTypeRecord(typeUrl, this.#now()));
  }

  output(stream: DiscoveryStream, output: Exclude<ServerOutput, { kind: 'close' }>): void {
    const { id, node } = stream;
    const entry = this.#streams.get(id);
    if (entry === undefined) return;
    const typeUrl = output.kind === 'current' ? output.typeUrl : output.response.typeUrl;
    const at = this.#moment();
    const known = recordOf(entry.types, typeUrl);
    const record = known ?? newTypeRecord(typeUrl, at);
    if (known === undefined) entry.types.push(record);
    note(record, output, at);
    switch (output.kind) {
      case 'respond':
        entry.ports.sent();
        return;
      case 'acked':
        entry.ports.answered(output.response.nonce);
        this.#logger.debug({ stream: id, node: node.id, typeUrl }, 'worker acknowledged');
        break;
      case 'current':
        this.#logger.debug({ stream: id, node: node.id, typeUrl }, 'worker acknowledged');
        break;
      case 'nacked':
        entry.ports.answered(output.response.nonce);
        this.#logger.warn(
          { stream: id, node: node.id, typeUrl, message: output.message },
          'worker rejected what it was sent',
        );
        break;
      case 'stale':
      case 'unwatched':
        this.#logger.debug({ stream: id, node: node.id, typeUrl, outcome: output.kind }, 'worker did not acknowledge');
        return;
      default:
        output satisfies never;
    }
    if (!entry.configured) {
      entry.configured = true;
      this.#changed();
    }
    this.#tellAnswer(entry.role, at);
  }

  refused(stream: DiscoveryStream | undefined, _rule: RefusalRule, reason: string): void {
    this.#logger.warn({ stream: stream?.id, node: stream?.node.id, reason }, 'stream refused');
  }

  closed({ id, node }: DiscoveryStream): void {
    const entry = this.#streams.get(id);
    if (entry === undefined) return;
    this.#streams.delete(id);
    entry.ports.close();
    this.#remember(id, entry);
    this.#leave(entry);
    this.#changed();
    this.#tellAnswer(entry.role);
    this.#logger.info({ stream: id, node: node.id }, 'worker disconnected');
  }

  /** What a worker says of its ports over its tunnel. */
  reported({ id, role }: WorkerName, report: WorkerReport): void {
    const known = this.#roles.get(role);
    if (known === undefined) return;
    for (const { stream, ports } of known.streams) {
      if (stream.node.id === id && ports.reported(report)) this.#tellAnswer(known);
    }
  }

  /** The workers that serve a gateway, in the order in which they came. A worker may have a stream for each type. */
  workers(): readonly ConnectedWorker[] {
    const workers = new Map<string, ConnectedWorker>();
    for (const { stream, role, since, configured } of this.#streams.values()) {
      const { gateway } = role;
      const { id, node, peer } = stream;
      const key = stream.only === undefined ? String(id) : `${node.id} ${peer}`;
      if (gateway !== undefined && !workers.has(key)) workers.set(key, { node, gateway, peer, since, configured });
    }
    return [...workers.values()];
  }

  /** The open streams in the order in which they came, then those gone lately, the last one first. */
  streams(): readonly StreamRecord[] {
    this.#forgetOld();
    return [...this.#streams.values(), ...[...this.#gone.values()].reverse()];
  }

  /** Calls back when `workers` may give something else. Returns the way to stop. */
  onWorkers(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back when a worker of a gateway has come, answered what it was sent, said how its ports are, or left. */
  onAnswers(listener: (gateway: GatewayName) => void): void {
    this.#answerListeners.add(listener);
  }

  /** What the workers of one gateway run, all of them taken together. `hasNews`: something is not even sent yet. */
  observe(gateway: GatewayName, hasNews: boolean): WorkerObservation {
    const role = roleOf(gateway);
    const known = this.#roles.get(role);
    const since = (known?.heardAt ?? this.#left.get(role) ?? this.#began).toISOString();
    if (known === undefined) return { kind: 'no-workers', since };
    const waiting: string[] = [];
    const rejections: Rejected[] = [];
    const portFailures: PortFailure[] = [];
    // Of thousands of streams most have none.
    for (const entry of known.streams) {
      const { node } = entry.stream;
      if (hasNews || isWaiting(entry)) waiting.push(node.id);
      for (const { typeUrl, rejected } of entry.types) {
        for (const [name, message] of rejected) rejections.push(...this.#rejections(node, typeUrl, name, message));
      }
      for (const failure of entry.ports.failures) portFailures.push({ worker: node.id, ...failure });
    }
    return { kind: 'connected', since, workers: known.streams.size, waiting, rejections, portFailures };
  }

  /** A rejection of what was made of gateway resources is one of each of these. */
  #rejections(node: NodeIdentity, typeUrl: string, name: string, message: string): readonly Rejected[] {
    const worker = node.id;
    const sources = this.#sourcesOf(node, typeUrl, name);
    const type = typeUrl.slice(typeUrl.lastIndexOf('.') + 1);
    return sources.length === 0
      ? [{ worker, resource: name, message }]
      : sources.map((resource) => ({ worker, resource, message: `${type} ${name}: ${message}` }));
  }

  #remember(id: number, { stream, since, types }: Entry): void {
    // What it subscribed to is kept as it was; the machine's state goes.
    const last = stream.types();
    this.#gone.set(id, { stream: { ...stream, types: () => last }, since, types, goneAt: this.#now() });
    this.#forgetOld();
  }

  #forgetOld(): void {
    const limit = this.#now().getTime() - GONE_MS;
    for (const [id, { goneAt }] of this.#gone) {
      if (this.#gone.size <= MAX_GONE && goneAt.getTime() >= limit) return;
      this.#gone.delete(id);
    }
  }

  #join({ role: name }: NodeIdentity): Role {
    const role = this.#roles.get(name) ?? { gateway: parseRole(name), heardAt: this.#began, streams: new Set() };
    this.#roles.set(name, role);
    this.#left.delete(name);
    return role;
  }

  #leave(entry: Entry): void {
    const { role: name } = entry.stream.node;
    entry.role.streams.delete(entry);
    if (entry.role.streams.size > 0) return;
    this.#roles.delete(name);
    this.#left.set(name, this.#now());
    const oldest = this.#left.keys().next();
    if (this.#left.size > MAX_LEFT && oldest.done !== true) this.#left.delete(oldest.value);
  }

  /** The time, for all that happens within one of its milliseconds the same object: thousands of records keep it. */
  #moment(): Date {
    const now = this.#now();
    if (now.getTime() !== this.#latest.getTime()) this.#latest = now;
    return this.#latest;
  }

  #tellAnswer(role: Role, at = this.#now()): void {
    role.heardAt = at;
    if (role.gateway !== undefined) for (const listener of this.#answerListeners) listener(role.gateway);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function isWaiting({ ports, types }: Entry): boolean {
  return ports.waiting || types.length === 0 || types.some(({ state }) => state === 'sent' || state === 'stale');
}
