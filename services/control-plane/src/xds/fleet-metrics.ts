import type { DiscoveryResponse, DiscoveryStream, RefusalRule, ServerOutput, StreamObserver } from '@pulseplane/xds';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { AckLatency } from './ack-latency.ts';
import type { StreamRecord } from './fleet.ts';

/** Other types are counted together: a client may ask for whatever it likes. */
const KNOWN_TYPES = [
  'agentgateway.dev.resource.Resource',
  'envoy.config.cluster.v3.Cluster',
  'envoy.config.endpoint.v3.ClusterLoadAssignment',
  'envoy.config.listener.v3.Listener',
  'envoy.config.route.v3.RouteConfiguration',
  'istio.workload.Address',
];
const LABELS = new Map(KNOWN_TYPES.map((type) => [`type.googleapis.com/${type}`, type]));

/**
 * Counts what happens on the xDS streams. `changedAt`: when what a role gets was last changed, in ms of the epoch;
 * `streams`: what is known of each, open or gone.
 */
export class FleetMetrics implements StreamObserver {
  readonly #registry = new Registry();
  readonly #changedAt: (role: string) => number | undefined;
  readonly #now: () => Date;
  readonly #streams: Gauge<'variant'>;
  readonly #refused: Counter<'reason'>;
  /** By type, and answers by outcome too: told to their counters when these are read, which takes longer than to count. */
  readonly #pushes = new Map<string, { count: number; bytes: number }>();
  readonly #answers = new Map<string, Map<ServerOutput['kind'], number>>();
  readonly #nacks: Counter<'type' | 'reason'>;
  readonly #latency = new AckLatency('pulseplane_xds_ack_seconds');
  /** When each stream was opened, or was last sent something for the asking, in milliseconds of the epoch. */
  readonly #askedAt = new Map<number, number>();
  /** When what is on its way was committed: most responses are the same object for many streams. */
  readonly #committedAt = new WeakMap<DiscoveryResponse, number>();

  constructor(
    changedAt: (role: string) => number | undefined,
    now: () => Date,
    streams: () => readonly StreamRecord[] = () => [],
  ) {
    this.#changedAt = changedAt;
    this.#now = now;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    const name = (rest: string): string => `pulseplane_xds_${rest}`;
    this.#streams = new Gauge({ name: name('streams'), help: 'Open streams', labelNames: ['variant'], registers });
    this.#refused = new Counter({
      name: name('streams_refused_total'),
      help: 'Streams that were refused or ended by the server, by reason',
      labelNames: ['reason'],
      registers,
    });
    const pushes = this.#pushes;
    const answers = this.#answers;
    new Counter({
      name: name('pushes_total'),
      help: 'Responses sent',
      labelNames: ['type'],
      registers,
      collect() {
        this.reset();
        for (const [type, { count }] of pushes) this.inc({ type }, count);
      },
    });
    new Counter({
      name: name('push_bytes_total'),
      help: 'Bytes sent',
      labelNames: ['type'],
      registers,
      collect() {
        this.reset();
        for (const [type, { bytes }] of pushes) this.inc({ type }, bytes);
      },
    });
    new Counter({
      name: name('answers_total'),
      help: 'What became of responses',
      labelNames: ['type', 'outcome'],
      registers,
      collect() {
        this.reset();
        for (const [type, outcomes] of answers) {
          for (const [outcome, count] of outcomes) this.inc({ type, outcome }, count);
        }
      },
    });
    this.#nacks = new Counter({
      name: name('nacks_total'),
      help: 'Rejected responses by reason',
      labelNames: ['type', 'reason'],
      registers,
    });
    // Counted when somebody reads them.
    const behind = new Gauge({
      name: name('streams_behind'),
      help: 'Open streams that have not acknowledged the newest that they were sent',
      labelNames: ['type'],
      registers,
      collect: () => {
        behind.reset();
        lag.reset();
        for (const [type, seconds] of lags(streams(), this.#now())) {
          behind.set({ type }, seconds.length);
          lag.set({ type }, Math.max(0, ...seconds));
        }
      },
    });
    const lag = new Gauge({
      name: name('lag_seconds'),
      help: 'For how long the one that is furthest behind has been so',
      labelNames: ['type'],
      registers,
    });
    for (const variant of ['delta', 'sotw']) this.#streams.set({ variant }, 0);
  }

  /** Everything, as Prometheus reads it. */
  async read(): Promise<{ readonly contentType: string; readonly text: string }> {
    return {
      contentType: this.#registry.contentType,
      text: `${await this.#registry.metrics()}\n${this.#latency.text()}`,
    };
  }

  opened({ id, variant }: DiscoveryStream): void {
    this.#askedAt.set(id, this.#now().getTime());
    this.#streams.inc({ variant });
  }

  requested(): void {}

  output(
    { id, node }: DiscoveryStream,
    output: Exclude<ServerOutput, { kind: 'close' }>,
    bytes: number,
    asked: boolean,
  ): void {
    const typeUrl = output.kind === 'current' ? output.typeUrl : output.response.typeUrl;
    const type = LABELS.get(typeUrl) ?? 'other';
    if (output.kind === 'respond') {
      const pushed = this.#pushes.get(type);
      if (pushed === undefined) this.#pushes.set(type, { count: 1, bytes });
      else {
        pushed.count += 1;
        pushed.bytes += bytes;
      }
      if (asked) this.#askedAt.set(id, this.#now().getTime());
      const committed = this.#changedAt(node.role);
      // What was there before the client asked for it is no change.
      const isChange = committed !== undefined && committed >= (this.#askedAt.get(id) ?? Number.POSITIVE_INFINITY);
      if (isChange && !asked) this.#committedAt.set(output.response, committed);
      return;
    }
    const known = this.#answers.get(type);
    const outcomes = known ?? new Map<ServerOutput['kind'], number>();
    if (known === undefined) this.#answers.set(type, outcomes);
    outcomes.set(output.kind, (outcomes.get(output.kind) ?? 0) + 1);
    if (output.kind === 'nacked') this.#nacks.inc({ type, reason: reasonOf(output.message) });
    if (output.kind !== 'acked') return;
    const committed = this.#committedAt.get(output.response);
    if (committed === undefined) return;
    this.#latency.observe(type, Math.max(0, this.#now().getTime() - committed) / 1_000);
  }

  refused(_stream: DiscoveryStream | undefined, rule: RefusalRule): void {
    this.#refused.inc({ reason: rule.replace('-', '_') });
  }

  closed({ id, variant }: DiscoveryStream): void {
    this.#askedAt.delete(id);
    this.#streams.dec({ variant });
  }
}

/** Of each type the streams that are behind, by the seconds for which they are. */
function lags(streams: readonly StreamRecord[], now: Date): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const { types, goneAt } of streams) {
    if (goneAt !== undefined) continue;
    for (const { typeUrl, behindSince } of types) {
      const type = LABELS.get(typeUrl) ?? 'other';
      const seconds = found.get(type) ?? [];
      found.set(type, seconds);
      if (behindSince !== undefined) seconds.push((now.getTime() - behindSince.getTime()) / 1_000);
    }
  }
  return found;
}

/** Why a response was rejected, in a word. The texts are for people, so this is as good as they are. */
function reasonOf(message: string): 'port' | 'constraint' | 'unknown_type' | 'resource' | 'other' {
  if (/address already in use|cannot bind/i.test(message)) return 'port';
  if (/constraint|validation/i.test(message)) return 'constraint';
  if (/registered implementation|unknown type/i.test(message)) return 'unknown_type';
  return /^\[\{"key":|^Error adding\/updating/.test(message) ? 'resource' : 'other';
}
