/** What became of a write, as its client knows it. Times are ticks of one clock for all clients. */
type Outcome =
  /** No answer came: it may have happened or not. */
  | { readonly kind: 'unanswered' }
  | {
      readonly kind: 'acknowledged';
      readonly at: number;
      readonly requestId: string;
      /** The version that the answer names; a deletion's names none. */
      readonly version: number | undefined;
    }
  | { readonly kind: 'refused'; readonly status: number };

export type Action = 'create' | 'update' | 'delete';

/** One write that a client sent. The marker is in its content and in each of its events. */
export type Write = {
  readonly marker: string;
  readonly action: Action;
  readonly target: Target;
  readonly sentAt: number;
  readonly outcome: Outcome;
};

/** An object that clients write: a namespace, or a backend in one. */
export type Target = { readonly namespace: string; readonly name: string };

/** Every write of a run, in the order of sending. */
export class WriteRecord {
  readonly #writes: Write[] = [];
  #clock = 0;

  get all(): readonly Write[] {
    return this.#writes;
  }

  /** Notes a write that is about to be sent; gives the way to note its outcome. */
  send(write: Pick<Write, 'marker' | 'action' | 'target'>): {
    readonly acknowledged: (answer: { readonly requestId: string; readonly version: number | undefined }) => void;
    readonly refused: (status: number) => void;
  } {
    const index = this.#writes.length;
    const sent: Write = { ...write, sentAt: this.#tick(), outcome: { kind: 'unanswered' } };
    this.#writes.push(sent);
    const settle = (outcome: Outcome): void => {
      this.#writes[index] = { ...sent, outcome };
    };
    return {
      acknowledged: (answer) => settle({ kind: 'acknowledged', at: this.#tick(), ...answer }),
      refused: (status) => settle({ kind: 'refused', status }),
    };
  }

  #tick(): number {
    this.#clock += 1;
    return this.#clock;
  }
}
