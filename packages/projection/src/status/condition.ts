import type { JsonObject, StoredObject } from '@pulseplane/resources';

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/**
 * A Kubernetes condition on an object. Status is derived, so the transition time is the newest change of the objects
 * that the condition speaks of, or what was `observed` later (RFC 3339): no transition was later. Who has seen the status
 * of before knows better.
 */
export function condition(
  type: string,
  status: ConditionStatus,
  reason: string,
  message: string,
  about: readonly [StoredObject, ...StoredObject[]],
  observed = '',
): JsonObject {
  const [newest = ''] = [...about.map((stored) => stored.changedAt), observed].sort().reverse();
  return {
    type,
    status,
    reason,
    message,
    lastTransitionTime: `${newest.slice(0, 19)}Z`,
    observedGeneration: about[0].object.metadata.generation ?? 1,
  };
}
