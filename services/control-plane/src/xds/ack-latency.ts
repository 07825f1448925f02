/** From a loopback to a long way round, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30, 60];

type Observed = { readonly counts: number[]; sum: number; count: number };

/**
 * From the commit of a change to its ACK, by type: a histogram of Prometheus. prom-client's takes 4 µs for each
 * observation, a tenth of what a push and its ACK take.
 */
export class AckLatency {
  readonly #name: string;
  readonly #types = new Map<string, Observed>();

  constructor(name: string) {
    this.#name = name;
  }

  observe(type: string, seconds: number): void {
    const known = this.#types.get(type);
    const observed = known ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
    if (known === undefined) this.#types.set(type, observed);
    const bucket = BUCKETS.findIndex((limit) => seconds <= limit);
    if (bucket >= 0) observed.counts[bucket] = (observed.counts[bucket] ?? 0) + 1;
    observed.sum += seconds;
    observed.count += 1;
  }

  /** As Prometheus reads it (text exposition format 0.0.4). */
  text(): string {
    const name = this.#name;
    const lines = [`# HELP ${name} From the commit of a change to its ACK`, `# TYPE ${name} histogram`];
    for (const [type, { counts, sum, count }] of this.#types) {
      let below = 0;
      for (const [index, limit] of BUCKETS.entries()) {
        below += counts[index] ?? 0;
        lines.push(`${name}_bucket{le="${limit}",type="${type}"} ${below}`);
      }
      lines.push(`${name}_bucket{le="+Inf",type="${type}"} ${count}`);
      lines.push(`${name}_sum{type="${type}"} ${sum}`, `${name}_count{type="${type}"} ${count}`);
    }
    return `${lines.join('\n')}\n`;
  }
}
