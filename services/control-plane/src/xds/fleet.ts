import type { WorkerObservation } from '@pulseplane/projection';
import type { GatewayName } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import type { DeltaResponse, NodeIdentity, ServerOutput, StreamObserver } from '@pulseplane/xds';
import { parseRole, roleOf } from './gateway-snapshots.ts';

type WorkerStream = {
  readonly node: NodeIdentity;
  waiting: boolean;
  /** The resources that the worker refuses to run, and why; until a newer version or their removal is sent. */
  readonly rejected: Map<string, string>;
};

/** What the connected workers say of what they were sent. Observation only: it is shown, it decides nothing. */
export class Fleet implements StreamObserver {
  readonly #logger: Logger;
  readonly #streams = new Map<number, WorkerStream>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  opened(stream: number, node: NodeIdentity, peer: string): void {
    this.#streams.set(stream, { node, waiting: true, rejected: new Map() });
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
        entry.waiting = false;
        this.#logger.debug({ stream, node: node.id, nonce: output.response.nonce }, 'worker acknowledged');
        break;
      case 'nacked': {
        entry.waiting = false;
        const rejections =
          output.rejections ?? namesOf(output.response).map((name) => ({ name, error: output.message }));
        for (const { name, error } of rejections) entry.rejected.set(name, error);
        this.#logger.warn({ stream, node: node.id, message: output.message }, 'worker rejected what it was sent');
        break;
      }
      default:
        output satisfies never;
    }
  }

  refused(stream: number, node: NodeIdentity | undefined, reason: string): void {
    this.#logger.warn({ stream, node: node?.id, reason }, 'stream refused');
  }

  closed(stream: number, node: NodeIdentity): void {
    this.#streams.delete(stream);
    this.#logger.info({ stream, node: node.id }, 'worker disconnected');
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
}

function namesOf({ resources, removed }: DeltaResponse): readonly string[] {
  return [...resources.map(({ name }) => name), ...removed];
}
