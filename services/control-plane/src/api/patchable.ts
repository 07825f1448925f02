import { contentOf, type JsonObject, type KubernetesObject } from '@pulseplane/resources';

/** The object that a patch is applied to: as clients read it, without the status, which is not theirs to write. */
export function patchable(object: KubernetesObject, version: number): JsonObject {
  const { apiVersion, kind, metadata } = object;
  return {
    apiVersion,
    kind,
    metadata: { ...metadata, ...(version > 0 && { resourceVersion: String(version) }) },
    ...contentOf(object),
  };
}
