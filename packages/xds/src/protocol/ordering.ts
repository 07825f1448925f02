import { CLUSTER_TYPE_URL, ENDPOINT_TYPE_URL, orderOf } from './resource-types.ts';
import type { Gates } from './response.ts';
import type { ServerLimits, ServerState } from './server-state.ts';
import { type InFlight, isRefused, isWanted, pending, type TypeState, visible } from './type-state.ts';

/** What of a type has to wait for others on the same stream: make before break (C49). */
export function gatesOf(state: ServerState, type: TypeState, now: number): Gates {
  const { afterAnswer, afterRemoval } = orderOf(type.typeUrl);
  const others = (typeUrls: readonly string[]): readonly TypeState[] =>
    typeUrls.flatMap((typeUrl) => state.types.get(typeUrl) ?? []);
  const updates = others(afterAnswer).every(
    ({ inFlight }) => inFlight === undefined || isOverdue(inFlight, state.limits, now),
  );
  const before = others(afterRemoval);
  const refused = before.some((other) => [...other.odd.keys()].some((name) => isRefused(other, name)));
  const waited = type.heldBackSince !== undefined && now - type.heldBackSince >= state.limits.drainTimeoutMs;
  // Who refuses what would let go still points at it. Who merely does not answer is not waited for without end.
  const removals = !refused && (waited || before.every((other) => other.inFlight === undefined && !hasNews(other)));
  return { updates, removals, refused };
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
  const endpoints = typeUrl === CLUSTER_TYPE_URL ? state.types.get(ENDPOINT_TYPE_URL) : undefined;
  if (endpoints?.view === undefined) return undefined;
  const { view } = endpoints;
  const owed = changed.filter(
    (name) => isWanted(endpoints, name) && visible(endpoints, view, name) !== undefined && !isRefused(endpoints, name),
  );
  return owed.length === 0 ? undefined : { ...endpoints, owed: new Set([...endpoints.owed, ...owed]) };
}
