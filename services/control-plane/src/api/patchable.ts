import { contentOf, type JsonObject, type StoredObject } from '@pulseplane/resources';
import { requireOpen } from './sealed-secret.ts';

/**
 * The object that a patch is applied to: as clients read it, without the status, which is not theirs to write. Throws a
 * SealedSecret.
 */
export function patchable(stored: StoredObject): JsonObject {
  requireOpen(stored);
  const { object, version } = stored;
  const { apiVersion, kind, metadata } = object;
  return {
    apiVersion,
    kind,
    metadata: { ...metadata, ...(version > 0 && { resourceVersion: String(version) }) },
    ...contentOf(object),
  };
}
