import { sealedWith } from '@pulseplane/event-log';
import { type KubernetesObject, SECRET } from '@pulseplane/resources';

/** kubectl keeps a copy of the manifest in this annotation. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** What is shown in the place of a Secret's value, as `kubectl diff` does. */
export const HIDDEN = '***';

/**
 * An object as it may be shown beside the object's own path, where whoever reads has not asked for this Secret. It tells
 * which values there are, and nothing of them.
 */
export function withoutSecretValues(object: KubernetesObject): KubernetesObject {
  if (object.kind !== SECRET.kind) return object;
  if (sealedWith(object) !== undefined) {
    const { apiVersion, kind, metadata } = object;
    return { apiVersion, kind, metadata };
  }
  if (object.data === undefined) return object;
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata.annotations ?? {};
  return {
    ...object,
    metadata: { ...object.metadata, ...(object.metadata.annotations !== undefined && { annotations }) },
    data: Object.fromEntries(Object.keys(object.data).map((key) => [key, HIDDEN])),
  };
}
