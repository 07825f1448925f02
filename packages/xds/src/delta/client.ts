import { type DeltaRequest, type DeltaResponse, formatRejections, type Rejection } from './message.ts';

/** The client's end of a wildcard subscription to one type, as a pure machine. It outlives its streams. */
export type ClientState = {
  readonly typeUrl: string;
  /** What is accepted: name to version. Sent on reconnect, so that only differences come back. */
  readonly held: ReadonlyMap<string, string>;
};

export type ClientInput =
  | { readonly kind: 'connected' }
  /** A response was taken in; `rejections` are the resources of it that were not. */
  | { readonly kind: 'taken'; readonly response: DeltaResponse; readonly rejections: readonly Rejection[] };

export type ClientStep = { readonly state: ClientState; readonly request: DeltaRequest };

export function initialClientState(typeUrl: string): ClientState {
  return { typeUrl, held: new Map() };
}

/** Takes one input and gives the request to send: a subscription, an ACK or a NACK. */
export function stepClient(state: ClientState, input: ClientInput): ClientStep {
  const { typeUrl } = state;
  const request = { typeUrl, subscribe: [], unsubscribe: [], initialVersions: new Map<string, string>(), nonce: '' };
  if (input.kind === 'connected') return { state, request: { ...request, initialVersions: state.held } };
  const { response, rejections } = input;
  const held = new Map(state.held);
  const rejected = new Set(rejections.map(({ name }) => name));
  for (const { name, version } of response.resources) {
    // Of a rejected name the version before stays: it is still in force, and the next stream brings the new one again.
    if (!rejected.has(name)) held.set(name, version);
  }
  for (const name of response.removed) held.delete(name);
  const answer = { ...request, nonce: response.nonce };
  return {
    state: { typeUrl, held },
    request: rejections.length === 0 ? answer : { ...answer, error: formatRejections(rejections) },
  };
}

/** How long to wait before the n-th try in a row (from 0) to open a stream, in milliseconds: doubling, bounded. */
export function reconnectDelay(attempt: number, random: () => number): number {
  const ceiling = Math.min(10_000, 100 * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (random() * ceiling) / 2;
}
