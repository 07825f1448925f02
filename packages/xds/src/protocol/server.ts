import { settle, type Verdict } from './answer.ts';
import type { DiscoveryRequest } from './message.ts';
import { cut, parseRejections } from './nack-text.ts';
import { gatesOf, isOverdue, owesEndpoints } from './ordering.ts';
import { rankOf } from './resource-types.ts';
import { difference } from './resources.ts';
import { makeResponse } from './response.ts';
import { type ServerState, typeOf } from './server-state.ts';
import type { ServerInput, ServerOutput, ServerStep } from './server-step.ts';
import { stepSteadily } from './steady.ts';
import { droppedMeanwhile, openType, subscribe } from './subscription.ts';
import { type InFlight, releaseSuspects, type TypeState } from './type-state.ts';

const MAX_TYPES = 32;
const MAX_NAMES = 50_000;
const MAX_NAME_LENGTH = 4096;

/**
 * Takes one input and says what to send and what became known. Never throws. The state that it is given is used up: it
 * may be the one that it gives back, changed.
 */
export function stepServer(state: ServerState, input: ServerInput): ServerStep {
  return stepSteadily(state, input) ?? stepAnyway(state, input);
}

function stepAnyway(state: ServerState, input: ServerInput): ServerStep {
  switch (input.kind) {
    case 'request':
      return takeRequest(state, input);
    case 'view': {
      // C7: a type that the client has not asked for on this stream is never sent.
      const draft = draftOf(state);
      for (const type of state.types) {
        const view = input.resources.get(type.typeUrl);
        if (view !== undefined && view !== type.view) put(draft, { ...type, view });
      }
      return flush(draft, input.now, []);
    }
    case 'time':
      return flush(draftOf(state), input.now, []);
    default:
      return input satisfies never;
  }
}

/** Whether time alone may lead to something by now. */
export function isDue({ types, limits }: ServerState, now: number): boolean {
  return types.some(
    ({ inFlight, heldBackSince }) =>
      heldBackSince !== undefined || (inFlight !== undefined && isOverdue(inFlight, limits, now)),
  );
}

function takeRequest(state: ServerState, input: Extract<ServerInput, { kind: 'request' }>): ServerStep {
  const typeUrl = input.request.typeUrl || state.only || ''; // C2
  const request = input.request.typeUrl === typeUrl ? input.request : { ...input.request, typeUrl };
  const closed = (rule: 'bad-request' | 'limit', reason: string): ServerStep => ({
    state,
    outputs: [{ kind: 'close', rule, reason }],
  });
  if (typeUrl === '') {
    // Envoy answers so, state of the world, what it has no type for.
    if (request.nonce !== '' && Number(request.nonce) < state.nextNonce) return { state, outputs: [] };
    return closed('bad-request', 'type URL is required for ADS'); // C1
  }
  if (state.only !== undefined && typeUrl !== state.only) {
    return closed('bad-request', `this service serves ${state.only} only, not ${typeUrl}`);
  }
  const known = typeOf(state, typeUrl);
  const excess = overLimit(state, known, request);
  if (excess !== undefined) return closed('limit', excess);
  if (known === undefined) {
    const opened = openType(request, input.resources, input.unsettled, input.now);
    const types = [...state.types, opened];
    types.sort((one, other) => rankOf(one.typeUrl) - rankOf(other.typeUrl));
    return flush({ ...state, types }, input.now, []);
  }
  const draft = draftOf(state);
  // C15: a stale nonce answers nothing; in state of the world its names are outdated too, in a delta they count (C37).
  if (request.variant === 'sotw' && request.nonce !== known.lastNonce) {
    put(draft, droppedMeanwhile(known, request));
    return { state: draft, outputs: [] };
  }
  const view = input.resources ?? known.view;
  const answered = answer(view === known.view ? known : { ...known, view }, request);
  put(draft, subscribe(answered.type, request));
  return flush(draft, input.now, answered.outputs);
}

/** The ACK or NACK part of a request (C10, C11). What is answered already is not counted again (C13). */
function answer(
  type: TypeState,
  request: DiscoveryRequest,
): { readonly type: TypeState; readonly outputs: readonly ServerOutput[] } {
  const { inFlight } = type;
  if (inFlight === undefined || request.nonce !== inFlight.response.nonce) return { type, outputs: [] };
  const { response } = inFlight;
  if (request.error !== undefined) {
    const names = [...response.resources.map(({ name }) => name), ...response.removed];
    const rejections = parseRejections(request.error, names);
    const output: ServerOutput = { kind: 'nacked', response, message: cut(request.error), rejections };
    return { type: settle(type, inFlight, { kind: 'nacked', rejections }), outputs: [output] };
  }
  if (request.variant === 'sotw' && request.version !== response.version) {
    const verdict: Verdict = { kind: 'nacked', rejections: undefined };
    return { type: settle(type, inFlight, verdict), outputs: [{ kind: 'unwatched', response }] };
  }
  return { type: settle(type, inFlight, { kind: 'acked' }), outputs: [{ kind: 'acked', response }] };
}

/** C57: what one stream may make the server remember. */
function overLimit(state: ServerState, known: TypeState | undefined, request: DiscoveryRequest): string | undefined {
  if (known === undefined && state.types.length >= MAX_TYPES) return `more than ${MAX_TYPES} types on one stream`;
  if (request.typeUrl.length > MAX_NAME_LENGTH) return `a type URL of more than ${MAX_NAME_LENGTH} characters`;
  const added = request.variant === 'sotw' ? request.names : request.subscribe;
  const names = (request.variant === 'sotw' ? 0 : (known?.names.size ?? 0)) + added.length;
  if (names > MAX_NAMES) return `more than ${MAX_NAMES} resource names subscribed for ${request.typeUrl}`;
  if (added.some(({ length }) => length > MAX_NAME_LENGTH))
    return `a resource name of more than ${MAX_NAME_LENGTH} characters`;
  return request.variant === 'delta' && request.initialVersions.size > MAX_NAMES
    ? `more than ${MAX_NAMES} initial resource versions`
    : undefined;
}

/** Sends what is lacking, unless a response is in flight or there is nothing to say (C34, C53), in order (C49). */
function flush(state: Draft, now: number, before: readonly ServerOutput[]): ServerStep {
  for (const type of state.types) releaseSuspects(type);
  const outputs = [...before];
  for (const type of state.types) flushType(state, type, now, outputs);
  // What a type waited for may have turned out to be nothing.
  for (const type of state.types) {
    if (type.heldBackSince !== undefined) flushType(state, type, now, outputs);
  }
  return { state, outputs };
}

function flushType(state: Draft, before: TypeState, now: number, outputs: ServerOutput[]): void {
  let type = before;
  if (type.inFlight !== undefined) {
    // C18: an answer that never comes must not hold newer content back for ever.
    if (!isOverdue(type.inFlight, state.limits, now) || !hasNewer(type, type.inFlight)) return;
    outputs.push({ kind: 'stale', response: type.inFlight.response });
    type = settle(type, type.inFlight, { kind: 'silence' });
  }
  const made = makeResponse(type, state, gatesOf(state, type, now), now);
  put(state, made.type);
  switch (made.kind) {
    case 'nothing':
      return;
    case 'current':
      outputs.push({ kind: 'current', typeUrl: type.typeUrl, version: made.version });
      return;
    case 'respond':
      outputs.push({ kind: 'respond', response: made.inFlight.response });
      sent(state, made.inFlight, made.changed);
      return;
    default:
      made satisfies never;
  }
}

function hasNewer({ view, owed, owedAll, again }: TypeState, { target }: InFlight): boolean {
  if (owed.size > 0 || again.size > 0 || owedAll) return true;
  if (view === undefined) return false;
  const { updated, removed } = difference(target, view);
  return updated.length > 0 || removed.length > 0;
}

/** C50: clusters that were changed wait for their endpoints anew. */
function sent(state: Draft, inFlight: InFlight, changed: readonly string[]): void {
  state.nextNonce += 1;
  const endpoints = owesEndpoints(state, inFlight.response.typeUrl, changed);
  if (endpoints !== undefined) put(state, endpoints);
}

/** The state that a step comes to, while it is being made. */
type Draft = Omit<ServerState, 'nextNonce' | 'types'> & { nextNonce: number; readonly types: TypeState[] };

function draftOf({ variant, only, limits, nextNonce, types }: ServerState): Draft {
  return { variant, only, limits, nextNonce, types: types.slice() };
}

function put(state: Draft, type: TypeState): void {
  state.types[state.types.findIndex(({ typeUrl }) => typeUrl === type.typeUrl)] = type;
}
