import type { WorkerObservation } from '@pulseplane/projection';
import type { GatewayName } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import type { WorkerName, WorkerReport } from '@pulseplane/tunnel';
import type { DiscoveryStream, NodeIdentity, RefusalRule, ServerOutput, StreamObserver } from '@pulseplane/xds';
import { parseRole, roleOf } from './gateway-snapshots.ts';
import { PortReports } from './port-reports.ts';
import { newTypeRecord, note, type OpenTypeRecord, type TypeRecord } from './type-record.ts';

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
  /** By type URL. */
  readonly types: ReadonlyMap<string, TypeRecord>;
};

type Entry = {
  readonly stream: DiscoveryStream;
  /** Of its node's role, if that names one. */
  readonly gateway: GatewayName | undefined;
  readonly since: Date;
  configured: boolean;
  readonly ports: PortReports;
  readonly types: Map<string, OpenTypeRecord>;
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

/** Of so many roles it is remembered when their workers were last heard of. */
const MAX_HEARD = 1_000;

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
  /** When a worker of each role was last heard of, the latest last; before all of them, this process began. */
  readonly #heard = new Map<string, Date>();
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
    const gateway = parseRole(node.role);
    const ports = new PortReports(node.reportsPorts === true, this.#reportWithinMs, () => {
      this.#logger.warn({ node: node.id }, 'a worker does not say how its ports are: its answers are enough');
      this.#tellAnswer(node, gateway);
    });
    this.#streams.set(id, { stream, gateway, since: this.#now(), configured: false, ports, types: new Map() });
    this.#changed();
    this.#tellAnswer(node, gateway);
    if (gateway === undefined) {
      this.#logger.warn(
        { stream: id, node: node.id, role: node.role, peer },
        'a worker connected without a role of the form <namespace>~<gateway>: it is sent nothing',
      );
    } else this.#logger.info({ stream: id, node: node.id, role: node.role, peer }, 'worker connected');
  }

  requested({ id }: DiscoveryStream, typeUrl: string): void {
    const types = this.#streams.get(id)?.types;
    if (types !== undefined && !types.has(typeUrl)) types.set(typeUrl, newTypeRecord(this.#now()));
  }

  output(stream: DiscoveryStream, output: Exclude<ServerOutput, { kind: 'close' }>): void {
    const { id, node } = stream;
    const entry = this.#streams.get(id);
    if (entry === undefined) return;
    const typeUrl = output.kind === 'current' ? output.typeUrl : output.response.typeUrl;
    const at = this.#moment();
    const known = entry.types.get(typeUrl);
    const record = known ?? newTypeRecord(at);
    if (known === undefined) entry.types.set(typeUrl, record);
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
    this.#tellAnswer(node, entry.gateway, at);
  }

  refused(stream: DiscoveryStream | undefined, _rule: RefusalRule, reason: string): void {
    this.#logger.warn({ stream: stream?.id, node: stream?.node.id, reason }, 'stream refused');
  }

  closed({ id, node }: DiscoveryStream): void {
    const entry = this.#streams.get(id);
    this.#streams.delete(id);
    if (entry !== undefined) {
      entry.ports.close();
      this.#remember(id, entry);
    }
    this.#changed();
    this.#tellAnswer(node, parseRole(node.role));
    this.#logger.info({ stream: id, node: node.id }, 'worker disconnected');
  }

  /** What a worker says of its ports over its tunnel. */
  reported({ id, role }: WorkerName, report: WorkerReport): void {
    for (const { stream, gateway, ports } of this.#streams.values()) {
      const { node } = stream;
      if (node.id === id && node.role === role && ports.reported(report)) this.#tellAnswer(node, gateway);
    }
  }

  /** The workers that serve a gateway, in the order in which they came. A worker may have a stream for each type. */
  workers(): readonly ConnectedWorker[] {
    const workers = new Map<string, ConnectedWorker>();
    for (const { stream, gateway, since, configured } of this.#streams.values()) {
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
    const entries = [...this.#streams.values()].filter(({ stream }) => stream.node.role === role);
    const since = (this.#heard.get(role) ?? this.#began).toISOString();
    if (entries.length === 0) return { kind: 'no-workers', since };
    return {
      kind: 'connected',
      since,
      workers: entries.length,
      waiting: entries.filter((entry) => isWaiting(entry) || hasNews).map(({ stream }) => stream.node.id),
      rejections: entries.flatMap(({ stream: { node }, types }) =>
        [...types].flatMap(([typeUrl, { rejected }]) =>
          [...rejected].flatMap(([name, message]) => this.#rejections(node, typeUrl, name, message)),
        ),
      ),
      portFailures: entries.flatMap(({ stream, ports }) =>
        ports.failures.map((failure) => ({ worker: stream.node.id, ...failure })),
      ),
    };
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

  #hear({ role }: NodeIdentity, at: Date): void {
    this.#heard.delete(role);
    this.#heard.set(role, at);
    if (this.#heard.size <= MAX_HEARD) return;
    for (const oldest of this.#heard.keys()) {
      this.#heard.delete(oldest);
      return;
    }
  }

  /** The time, for all that happens within one of its milliseconds the same object: thousands of records keep it. */
  #moment(): Date {
    const now = this.#now();
    if (now.getTime() !== this.#latest.getTime()) this.#latest = now;
    return this.#latest;
  }

  #tellAnswer(node: NodeIdentity, gateway: GatewayName | undefined, at = this.#now()): void {
    this.#hear(node, at);
    if (gateway !== undefined) for (const listener of this.#answerListeners) listener(gateway);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function isWaiting({ ports, types }: Entry): boolean {
  return (
    ports.waiting || types.size === 0 || [...types.values()].some(({ state }) => state === 'sent' || state === 'stale')
  );
}
