import type { DeltaRequest, DiscoveryResponse, Rejection, SotwRequest } from './message.ts';
import { formatRejections } from './nack-text.ts';

/** The client's end of a subscription to one type in the delta variant, as a pure machine. It outlives its streams. */
export type DeltaClientState = {
  readonly typeUrl: string;
  /** Undefined: everything. */
  readonly names: ReadonlySet<string> | undefined;
  /** What is accepted: name to version. Sent on reconnect, so that only differences come back. */
  readonly held: ReadonlyMap<string, string>;
};

/** The same in the state-of-the-world variant. */
type SotwClientState = {
  readonly typeUrl: string;
  readonly names: ReadonlySet<string> | undefined;
  /** The newest version that was accepted: it outlives the stream. */
  readonly version: string;
  /** Of the newest response on this stream. */
  readonly nonce: string;
};

export type ClientInput =
  | { readonly kind: 'connected' }
  | { readonly kind: 'subscribed'; readonly names: ReadonlySet<string> }
  /** A response was taken in; `rejections` are the resources of it that were not. */
  | { readonly kind: 'taken'; readonly response: DiscoveryResponse; readonly rejections: readonly Rejection[] };

export function initialDeltaClientState(
  typeUrl: string,
  names?: ReadonlySet<string>,
  held: DeltaClientState['held'] = new Map(),
): DeltaClientState {
  return { typeUrl, names, held };
}

export function initialSotwClientState(typeUrl: string, names?: ReadonlySet<string>): SotwClientState {
  return { typeUrl, names, version: '', nonce: '' };
}

/** Takes one input and gives the request to send: a subscription, an ACK or a NACK. */
export function stepDeltaClient(
  state: DeltaClientState,
  input: ClientInput,
): { readonly state: DeltaClientState; readonly request: DeltaRequest } {
  const request: DeltaRequest = {
    variant: 'delta',
    typeUrl: state.typeUrl,
    subscribe: [],
    unsubscribe: [],
    initialVersions: new Map(),
    nonce: '',
  };
  switch (input.kind) {
    case 'connected':
      return { state, request: { ...request, subscribe: [...(state.names ?? [])], initialVersions: state.held } };
    case 'subscribed': {
      const before = state.names ?? new Set();
      const held = new Map([...state.held].filter(([name]) => input.names.has(name)));
      const subscribe = [...input.names].filter((name) => !before.has(name));
      const unsubscribe = state.names === undefined ? ['*'] : [...before].filter((name) => !input.names.has(name));
      return { state: { ...state, names: input.names, held }, request: { ...request, subscribe, unsubscribe } };
    }
    case 'taken': {
      const { response, rejections } = input;
      const held = new Map(state.held);
      const rejected = new Set(rejections.map(({ name }) => name));
      for (const { name, version } of response.resources) {
        // Of a rejected name the version before stays: it is still in force, and the next stream brings the new one again.
        if (!rejected.has(name) && (state.names?.has(name) ?? true)) held.set(name, version);
      }
      for (const name of response.removed) held.delete(name);
      const answer = { ...request, nonce: response.nonce };
      return {
        state: { ...state, held },
        request: rejections.length === 0 ? answer : { ...answer, error: formatRejections(rejections) },
      };
    }
    default:
      return input satisfies never;
  }
}

/** As {@link stepDeltaClient}: each request holds the whole subscription, the version that runs and the newest nonce. */
export function stepSotwClient(
  before: SotwClientState,
  input: ClientInput,
): { readonly state: SotwClientState; readonly request: SotwRequest } {
  const state = next(before, input);
  const { typeUrl, version, nonce } = state;
  const error = input.kind === 'taken' && input.rejections.length > 0 ? formatRejections(input.rejections) : undefined;
  const names = [...(state.names ?? [])];
  return { state, request: { variant: 'sotw', typeUrl, names, version, nonce, ...(error !== undefined && { error }) } };
}

function next(state: SotwClientState, input: ClientInput): SotwClientState {
  switch (input.kind) {
    case 'connected':
      return { ...state, nonce: '' };
    case 'subscribed':
      return { ...state, names: input.names };
    case 'taken': {
      const { nonce, version } = input.response;
      return { ...state, nonce, ...(input.rejections.length === 0 && { version }) };
    }
    default:
      return input satisfies never;
  }
}

/** How long to wait before the n-th try in a row (from 0) to open a stream, in milliseconds: doubling, bounded. */
export function reconnectDelay(attempt: number, random: () => number): number {
  const ceiling = Math.min(10_000, 100 * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (random() * ceiling) / 2;
}
