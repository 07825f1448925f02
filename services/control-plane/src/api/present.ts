import { contentOf, type JsonObject, type ResourceKind, type StoredObject } from '@pulseplane/resources';
import { requireOpen } from './sealed-secret.ts';

/** The status of an object: what is known of it beside what the log holds. */
export type StatusOf = (stored: StoredObject) => JsonObject | undefined;

/** A stored object as clients see it: with resourceVersion (once it has one) and status. Throws a SealedSecret. */
export function present(kind: ResourceKind, stored: StoredObject, statusOf: StatusOf): JsonObject {
  requireOpen(stored);
  const { apiVersion, kind: kindName, metadata } = stored.object;
  const status = statusOf(stored) ?? kind.initialStatus;
  return {
    apiVersion,
    kind: kindName,
    metadata: { ...metadata, ...(stored.version > 0 && { resourceVersion: String(stored.version) }) },
    ...contentOf(stored.object),
    ...(status !== undefined && { status }),
  };
}
