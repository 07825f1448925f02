import type { Append, StoredEvent } from '@pulseplane/event-log';

/** A client's name for one request, and a digest of what it asked for, so that the name cannot stand for another. */
export type Idempotency = { readonly key: string; readonly digest: string };

/**
 * The append under the key of its request. The log knows keys only, so the first event's id carries the digest: it is
 * as immutable as the event, and every adapter keeps it.
 */
export function withKey(append: Append, idempotency: Idempotency | undefined): Append {
  const [first, ...others] = append.events;
  if (idempotency === undefined || first === undefined) return append;
  const { key, digest } = idempotency;
  return { ...append, idempotencyKey: key, events: [{ ...first, id: `${first.id}.${digest}` }, ...others] };
}

/** Whether events come from a request with this digest. */
export function isSameRequest(events: readonly StoredEvent[], { digest }: Idempotency): boolean {
  return events[0]?.id.endsWith(`.${digest}`) ?? false;
}
