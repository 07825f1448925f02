import type { DiscoveryStream, ServerOutput, StreamObserver } from '@pulseplane/xds';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { StreamRecord } from './fleet.ts';

/** Other types are counted together: a client may ask for whatever it likes. */
const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'agentgateway.dev.resource.Resource',
  'envoy.config.cluster.v3.Cluster',
  'envoy.config.endpoint.v3.ClusterLoadAssignment',
  'envoy.config.listener.v3.Listener',
  'envoy.config.route.v3.RouteConfiguration',
  'istio.workload.Address',
]);

/** From a loopback to a long way round, in seconds. */
const ACK_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30, 60];

/**
 * Counts what happens on the xDS streams. `changedAt`: when what a role gets was last changed, in ms of the epoch;
 * `streams`: what is known of each, open or gone.
 */
export class FleetMetrics implements StreamObserver {
  readonly #registry = new Registry();
  readonly #changedAt: (role: string) => number | undefined;
  readonly #now: () => Date;
  readonly #streams: Gauge<'variant'>;
  readonly #refused: Counter;
  readonly #pushes: Counter<'type'>;
  readonly #bytes: Counter<'type'>;
  readonly #answers: Counter<'type' | 'outcome'>;
  readonly #nacks: Counter<'type' | 'reason'>;
  readonly #latency: Histogram<'type'>;
  /** What is on its way: when it was committed, by stream and type. */
  readonly #waiting = new Map<number, Map<string, number>>();

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
    this.#refused = new Counter({ name: name('streams_refused_total'), help: 'Streams that were refused', registers });
    this.#pushes = new Counter({ name: name('pushes_total'), help: 'Responses sent', labelNames: ['type'], registers });
    this.#bytes = new Counter({ name: name('push_bytes_total'), help: 'Bytes sent', labelNames: ['type'], registers });
    this.#answers = new Counter({
      name: name('answers_total'),
      help: 'What became of responses',
      labelNames: ['type', 'outcome'],
      registers,
    });
    this.#nacks = new Counter({
      name: name('nacks_total'),
      help: 'Rejected responses by reason',
      labelNames: ['type', 'reason'],
      registers,
    });
    this.#latency = new Histogram({
      name: name('ack_seconds'),
      help: 'From the commit of a change to its ACK',
      labelNames: ['type'],
      buckets: ACK_BUCKETS,
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
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  opened({ id, variant }: DiscoveryStream): void {
    this.#waiting.set(id, new Map());
    this.#streams.inc({ variant });
  }

  requested(): void {}

  output({ id, node }: DiscoveryStream, output: Exclude<ServerOutput, { kind: 'close' }>, bytes: number): void {
    const typeUrl = output.kind === 'current' ? output.typeUrl : output.response.typeUrl;
    const type = labelOf(typeUrl);
    const waiting = this.#waiting.get(id);
    if (output.kind === 'respond') {
      this.#pushes.inc({ type });
      this.#bytes.inc({ type }, bytes);
      const committed = this.#changedAt(node.role);
      if (committed !== undefined) waiting?.set(typeUrl, committed);
      return;
    }
    this.#answers.inc({ type, outcome: output.kind });
    if (output.kind === 'nacked') this.#nacks.inc({ type, reason: reasonOf(output.message) });
    const committed = waiting?.get(typeUrl);
    if (committed === undefined) return;
    waiting?.delete(typeUrl);
    if (output.kind === 'acked')
      this.#latency.observe({ type }, Math.max(0, this.#now().getTime() - committed) / 1_000);
  }

  refused(): void {
    this.#refused.inc();
  }

  closed({ id, variant }: DiscoveryStream): void {
    this.#waiting.delete(id);
    this.#streams.dec({ variant });
  }
}

/** Of each type the streams that are behind, by the seconds for which they are. */
function lags(streams: readonly StreamRecord[], now: Date): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const { types, goneAt } of streams) {
    if (goneAt !== undefined) continue;
    for (const [typeUrl, { behindSince }] of types) {
      const type = labelOf(typeUrl);
      const seconds = found.get(type) ?? [];
      found.set(type, seconds);
      if (behindSince !== undefined) seconds.push((now.getTime() - behindSince.getTime()) / 1_000);
    }
  }
  return found;
}

function labelOf(typeUrl: string): string {
  const type = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  return KNOWN_TYPES.has(type) ? type : 'other';
}

/** Why a response was rejected, in a word. The texts are for people, so this is as good as they are. */
function reasonOf(message: string): 'port' | 'constraint' | 'unknown_type' | 'resource' | 'other' {
  if (/address already in use|cannot bind/i.test(message)) return 'port';
  if (/constraint|validation/i.test(message)) return 'constraint';
  if (/registered implementation|unknown type/i.test(message)) return 'unknown_type';
  return /^\[\{"key":|^Error adding\/updating/.test(message) ? 'resource' : 'other';
}
