import type { Variant } from './message.ts';
import type { TypeState } from './type-state.ts';

/**
 * The server's end of one stream of either variant, as a pure machine: whoever feeds it goes on with the state that it
 * gives back, and keeps no former one, which may be the same object by then. "C" numbers are the rules of the xDS transport
 * protocol (Envoy's xds_protocol.rst) as this project counts them; see docs/xds.md.
 */
export type ServerState = {
  readonly variant: Variant;
  /** Of a service for a single type; undefined on an aggregated stream. */
  readonly only: string | undefined;
  readonly limits: ServerLimits;
  readonly nextNonce: number;
  /** In the order in which they are sent (C49). */
  readonly types: readonly TypeState[];
};

export type ServerLimits = {
  /** How long a response may stay unanswered before newer content is sent nevertheless. Envoy warms for 15 s. */
  readonly ackTimeoutMs: number;
  /** How long a removal waits for other types that do not answer. */
  readonly drainTimeoutMs: number;
  /** Above it a delta is split into several responses (C56), each but the last at least this big in bytes. */
  readonly splitBytes: number;
};

export const DEFAULT_LIMITS: ServerLimits = {
  ackTimeoutMs: 30_000,
  drainTimeoutMs: 60_000,
  splitBytes: 2 * 1024 * 1024,
};

export function initialServerState(
  variant: Variant,
  only?: string,
  limits: ServerLimits = DEFAULT_LIMITS,
): ServerState {
  return { variant, only, limits, nextNonce: 1, types: [] };
}

/** What is known of a type, of which a stream has few. */
export function typeOf({ types }: Pick<ServerState, 'types'>, typeUrl: string): TypeState | undefined {
  return types.find((type) => type.typeUrl === typeUrl);
}
