import type { WorkerObservation } from '@pulseplane/projection';
import type { GatewayName } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import type { DeltaResponse, NodeIdentity, ServerOutput, StreamObserver } from '@pulseplane/xds';
import { parseRole, roleOf } from './gateway-snapshots.ts';

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

type WorkerStream = {
  readonly node: NodeIdentity;
  readonly peer: string;
  readonly since: Date;
  configured: boolean;
  waiting: boolean;
  /** The resources that the worker refuses to run, and why; until a newer version or their removal is sent. */
  readonly rejected: Map<string, string>;
};

/** What the connected workers say of what they were sent. Observation only: it is shown, it decides nothing. */
export class Fleet implements StreamObserver {
  readonly #logger: Logger;
  readonly #now: () => Date;
  readonly #streams = new Map<number, WorkerStream>();
  readonly #listeners = new Set<() => void>();
  readonly #answerListeners = new Set<(gateway: GatewayName) => void>();

  constructor(logger: Logger, now: () => Date) {
    this.#logger = logger;
    this.#now = now;
  }

  opened(stream: number, node: NodeIdentity, peer: string): void {
    const since = this.#now();
    this.#streams.set(stream, { node, peer, since, configured: false, waiting: true, rejected: new Map() });
    this.#changed();
    if (parseRole(node.role) === undefined) {
      this.#logger.warn(
        { stream, node: node.id, role: node.role, peer },
        'a worker connected without a role of the form <namespace>~<gateway>: it is sent nothing',
      );
    } else this.#logger.info({ stream, node: node.id, role: node.role, peer }, 'worker connected');
  }

  output(stream: number, node: NodeIdentity, output: Exclude<ServerOutput, { kind: 'close' }>): void {
    const entry = this.#streams.get(stream);
    if (entry === undefined) return;
    switch (output.kind) {
      case 'respond':
        entry.waiting = true;
        for (const name of namesOf(output.response)) entry.rejected.delete(name);
        break;
      case 'acked':
        this.#answered(entry);
        this.#logger.debug({ stream, node: node.id, nonce: output.response.nonce }, 'worker acknowledged');
        break;
      case 'nacked': {
        this.#answered(entry);
        const rejections =
          output.rejections ?? namesOf(output.response).map((name) => ({ name, error: output.message }));
        for (const { name, error } of rejections) entry.rejected.set(name, error);
        this.#logger.warn({ stream, node: node.id, message: output.message }, 'worker rejected what it was sent');
        break;
      }
      default:
        output satisfies never;
    }
    if (output.kind !== 'respond') this.#tellAnswer(node);
  }

  refused(stream: number, node: NodeIdentity | undefined, reason: string): void {
    this.#logger.warn({ stream, node: node?.id, reason }, 'stream refused');
  }

  closed(stream: number, node: NodeIdentity): void {
    this.#streams.delete(stream);
    this.#changed();
    this.#tellAnswer(node);
    this.#logger.info({ stream, node: node.id }, 'worker disconnected');
  }

  /** The workers that serve a gateway, in the order in which they came. */
  workers(): readonly ConnectedWorker[] {
    return [...this.#streams.values()].flatMap(({ node, peer, since, configured }) => {
      const gateway = parseRole(node.role);
      return gateway === undefined ? [] : [{ node, gateway, peer, since, configured }];
    });
  }

  /** Calls back when `workers` may give something else. Returns the way to stop. */
  onWorkers(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back when a worker of a gateway has answered what it was sent, or has left. */
  onAnswers(listener: (gateway: GatewayName) => void): void {
    this.#answerListeners.add(listener);
  }

  /** What the workers of one gateway run, all of them taken together. `hasNews`: something is not even sent yet. */
  observe(gateway: GatewayName, hasNews: boolean): WorkerObservation {
    const role = roleOf(gateway);
    const streams = [...this.#streams.values()].filter(({ node }) => node.role === role);
    if (streams.length === 0) return { kind: 'no-workers' };
    return {
      kind: 'connected',
      workers: streams.length,
      waiting: streams.filter(({ waiting }) => waiting || hasNews).length,
      rejections: streams.flatMap(({ node, rejected }) =>
        [...rejected].map(([resource, message]) => ({ worker: node.id, resource, message })),
      ),
    };
  }

  #answered(entry: WorkerStream): void {
    entry.waiting = false;
    if (entry.configured) return;
    entry.configured = true;
    this.#changed();
  }

  #tellAnswer({ role }: NodeIdentity): void {
    const gateway = parseRole(role);
    if (gateway !== undefined) for (const listener of this.#answerListeners) listener(gateway);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function namesOf({ resources, removed }: DeltaResponse): readonly string[] {
  return [...resources.map(({ name }) => name), ...removed];
}
