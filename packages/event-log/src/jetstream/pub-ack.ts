import type { Msg } from '@nats-io/transport-node';

/** What the stream answered to a message. `full`: trying again does not help until somebody makes room. */
export type PubAck =
  | { readonly kind: 'stored' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'full'; readonly why: string };

/** Maximum messages, bytes, or bytes of the account exceeded; insufficient storage. */
const FULL: ReadonlySet<number> = new Set([10_002, 10_023, 10_028, 10_047, 10_077]);

export function readPubAck(message: Msg): PubAck {
  // No data and a status: nobody listens on the subject, so there is no stream or it has no leader.
  if (message.data.length === 0) return { kind: 'refused', why: 'no server answers for the stream' };
  try {
    const { error } = message.json<{
      readonly error?: { readonly err_code?: number; readonly description?: string };
    }>();
    if (error === undefined) return { kind: 'stored' };
    const why = error.description ?? 'without a reason';
    return { kind: FULL.has(error.err_code ?? 0) ? 'full' : 'refused', why };
  } catch (error) {
    return { kind: 'refused', why: error instanceof Error ? error.message : String(error) };
  }
}
