import { substitutes } from './answer.ts';
import type { DeltaRequest, DiscoveryResponse } from './message.ts';
import { isOverdue } from './ordering.ts';
import { ANY_TIME, orderOf } from './resource-types.ts';
import { contentVersion, type Difference, difference, type ResourceSet, wildcardContent } from './resources.ts';
import { firstPart } from './response.ts';
import { type ServerLimits, type ServerState, typeOf } from './server-state.ts';
import type { ServerInput, ServerOutput, ServerStep } from './server-step.ts';
import type { InFlight, TypeState } from './type-state.ts';

type View = Extract<ServerInput, { kind: 'view' }>;
type Request = Extract<ServerInput, { kind: 'request' }>;

/** What may be changed in place, because nobody else has it. */
type Owned<State> = { -readonly [Field in keyof State]: State[Field] };

/**
 * The short way of nearly every push and every ACK: a delta stream all of whose types are steady. Of a steady type the
 * client has everything by a wildcard, nothing about it is odd or owed, and it neither waits for other types nor they
 * for it. Comes to what the long way comes to, but changes the state in place: it is the machine's own, and to make it
 * anew for each of thousands of streams takes longer than what is to be said. Undefined for all else, which is to go
 * the long way; the state is as it was then.
 */
export function stepSteadily(state: ServerState, input: ServerInput): ServerStep | undefined {
  if (state.variant !== 'delta' || input.kind === 'time') return undefined;
  for (const type of state.types) if (!isSteady(type, state.limits, input.now)) return undefined;
  return input.kind === 'view' ? takeView(state, input) : takeAck(state, input);
}

function isSteady(type: TypeState, limits: ServerLimits, now: number): boolean {
  return (
    type.wildcard &&
    type.view !== undefined &&
    type.odd.size === 0 &&
    type.odd.unlisted.size === 0 &&
    type.owed.size === 0 &&
    type.again.size === 0 &&
    !type.owedAll &&
    !type.answerOwed &&
    type.claimed === '' &&
    type.heldBackSince === undefined &&
    (type.inFlight === undefined || !isOverdue(type.inFlight, limits, now)) &&
    orderOf(type.typeUrl) === ANY_TIME
  );
}

function takeView(state: ServerState, { resources, now }: View): ServerStep | undefined {
  let news: TypeState | undefined;
  for (const type of state.types) {
    const view = resources.get(type.typeUrl);
    if (view === undefined || view === type.view) continue;
    if (news !== undefined) return undefined;
    news = type;
  }
  const view = news && resources.get(news.typeUrl);
  if (news === undefined || view === undefined) return { state, outputs: [] };
  const type: Owned<TypeState> = news;
  // Changes collapse into the next response while one waits for its answer (C53).
  const isWaiting = type.inFlight !== undefined;
  const next = isWaiting ? undefined : nextOf(state, type, type.base, view, now);
  if (!isWaiting && next === undefined) return undefined;
  type.view = view;
  return { state, outputs: next === undefined ? [] : [send(state, type, next)] };
}

function takeAck(state: ServerState, { request, resources, now }: Request): ServerStep | undefined {
  const type: Owned<TypeState> | undefined = typeOf(state, request.typeUrl);
  const inFlight = type?.inFlight;
  if (type === undefined || inFlight === undefined) return undefined;
  if (request.variant !== 'delta' || !isAck(request, inFlight) || !leavesNothing(inFlight)) return undefined;
  const { target, response } = inFlight;
  const view = resources ?? type.view ?? target;
  const next = view === target ? undefined : nextOf(state, type, target, view, now);
  if (view !== target && next === undefined) return undefined;
  type.view = view;
  type.base = target;
  type.inFlight = undefined;
  const acked: ServerOutput = { kind: 'acked', response };
  return { state, outputs: next === undefined ? [acked] : [acked, send(state, type, next)] };
}

/** An ACK, and nothing else. */
function isAck({ nonce, error, subscribe, unsubscribe }: DeltaRequest, { response }: InFlight): boolean {
  return nonce === response.nonce && error === undefined && subscribe.length === 0 && unsubscribe.length === 0;
}

/** Whether the client that has acknowledged it holds what there was. */
function leavesNothing(inFlight: InFlight): boolean {
  return inFlight.complete && inFlight.heldBack.length === 0 && !substitutes(inFlight);
}

function send(state: Owned<ServerState>, type: Owned<TypeState>, inFlight: InFlight): ServerOutput {
  type.inFlight = inFlight;
  type.lastNonce = inFlight.response.nonce;
  state.nextNonce += 1;
  return { kind: 'respond', response: inFlight.response };
}

type Made = { readonly limits: ServerLimits; last: InFlight };

/**
 * What was sent last to lead streams from one set to another. Kept by their difference, which goes with either of them:
 * kept by the newer set it would hold the older one, and so all sets that ever were.
 */
const made = new WeakMap<Difference, Made>();

/**
 * What leads a steady type from one set to another: the same object for all streams that have come equally far. Undefined
 * when it is nothing, or must be split, or holds what a wildcard does not cover.
 */
function nextOf(
  { nextNonce, limits }: ServerState,
  { typeUrl }: TypeState,
  from: ResourceSet,
  to: ResourceSet,
  now: number,
): InFlight | undefined {
  const nonce = String(nextNonce);
  const changes = difference(from, to);
  const known = made.get(changes);
  if (known?.limits === limits && known.last.response.typeUrl === typeUrl) {
    const { response, sentAt } = known.last;
    if (response.nonce !== nonce) known.last = { ...known.last, response: { ...response, nonce }, sentAt: now };
    else if (sentAt !== now) known.last = { ...known.last, sentAt: now };
    return known.last;
  }
  const { updated, removed } = changes;
  if (updated.length === 0 && removed.length === 0) return undefined;
  if (updated.some(({ onDemand }) => onDemand) || firstPart(updated, limits.splitBytes) !== updated) return undefined;
  const version = contentVersion(wildcardContent(to));
  const response: DiscoveryResponse = { typeUrl, version, nonce, resources: updated, removed };
  const last: InFlight = { response, target: to, complete: true, heldBack: [], sentAt: now };
  made.set(changes, { limits, last });
  return last;
}
