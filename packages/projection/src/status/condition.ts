import type { JsonObject, StoredObject } from '@pulseplane/resources';

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/**
 * A Kubernetes condition on an object. Status is derived, not stored: the transition time is the newest change of the
 * objects that the condition speaks of, so it is the same on every replica and after every restart.
 */
export function condition(
  type: string,
  status: ConditionStatus,
  reason: string,
  message: string,
  about: readonly [StoredObject, ...StoredObject[]],
): JsonObject {
  const [changedAt = ''] = about
    .map((stored) => stored.changedAt)
    .sort()
    .reverse();
  return {
    type,
    status,
    reason,
    message,
    lastTransitionTime: `${changedAt.slice(0, 19)}Z`,
    observedGeneration: about[0].object.metadata.generation ?? 1,
  };
}
