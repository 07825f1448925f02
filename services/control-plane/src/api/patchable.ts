import type { JsonObject, KubernetesObject } from '@pulseplane/resources';

/** The object that a patch is applied to: as clients read it, without the status, which is not theirs to write. */
export function patchable({ apiVersion, kind, metadata, spec }: KubernetesObject, version: number): JsonObject {
  return {
    apiVersion,
    kind,
    metadata: { ...metadata, ...(version > 0 && { resourceVersion: String(version) }) },
    ...(spec !== undefined && { spec }),
  };
}
