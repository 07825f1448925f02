import { ANY_TIME, CLUSTER_TYPE_URL, ENDPOINT_TYPE_URL, orderOf } from './resource-types.ts';
import type { Gates } from './response.ts';
import { type ServerLimits, type ServerState, typeOf } from './server-state.ts';
import { type InFlight, isRefused, pending, type TypeState, visible } from './type-state.ts';

/** What of a type has to wait for others on the same stream: make before break (C49). */
export function gatesOf(state: ServerState, type: TypeState, now: number): Gates {
  const order = orderOf(type.typeUrl);
  if (order === ANY_TIME) return OPEN;
  const { afterAnswer, afterRemoval } = order;
  const others = (typeUrls: readonly string[]): readonly TypeState[] =>
    typeUrls.flatMap((typeUrl) => typeOf(state, typeUrl) ?? []);
  const updates = others(afterAnswer).every(
    ({ inFlight }) => inFlight === undefined || isOverdue(inFlight, state.limits, now),
  );
  const before = others(afterRemoval);
  const refused = before.some(refusesSomething);
  const waited = type.heldBackSince !== undefined && now - type.heldBackSince >= state.limits.drainTimeoutMs;
  // Who refuses what would let go still points at it. Who merely does not answer is not waited for without end.
  const removals =
    !refused &&
    !isReturning(state, type, now) &&
    (waited || before.every((other) => other.inFlight === undefined && !hasNews(other)));
  return { updates, removals, refused };
}

const OPEN: Gates = { updates: true, removals: true, refused: false };

/** A client that comes back asks for its types one after the other: what the later ones point at must still be there. */
function isReturning(state: ServerState, { typeUrl, reopenedAt }: TypeState, now: number): boolean {
  if (state.only !== undefined || reopenedAt === undefined || now - reopenedAt >= RETURN_MS) return false;
  return orderOf(typeUrl).afterRemoval.some((other) => typeOf(state, other) === undefined);
}

/** Envoy sends all of its first requests without waiting for answers. */
const RETURN_MS = 250;

function refusesSomething(type: TypeState): boolean {
  for (const name of type.odd.names()) if (isRefused(type, name)) return true;
  return false;
}

function hasNews(type: TypeState): boolean {
  const { updated, removed } = pending(type);
  return updated.length > 0 || removed.length > 0;
}

export function isOverdue(inFlight: InFlight, { ackTimeoutMs }: ServerLimits, now: number): boolean {
  return now - inFlight.sentAt >= ackTimeoutMs;
}

/** The endpoints, owing what belongs to changed clusters (C50). Undefined when nothing is owed. */
export function owesEndpoints(state: ServerState, typeUrl: string, changed: readonly string[]): TypeState | undefined {
  const endpoints = typeUrl === CLUSTER_TYPE_URL ? typeOf(state, ENDPOINT_TYPE_URL) : undefined;
  if (endpoints?.view === undefined) return undefined;
  const { view } = endpoints;
  const warming = changed.filter((name) => visible(endpoints, view, name) !== undefined);
  return warming.length === 0 ? undefined : { ...endpoints, again: new Set([...endpoints.again, ...warming]) };
}
