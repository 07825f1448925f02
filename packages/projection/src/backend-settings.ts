import type { StoredObject } from '@pulseplane/resources';
import { attachedGateways } from './attached-gateways.ts';
import { backendPaths } from './gateway/backend-paths.ts';
import {
  type EffectiveBackend,
  effectiveBackend,
  indexBackendPolicies,
  winningSection,
} from './gateway/effective-backend.ts';
import type { GatewayResource } from './gateway/resource.ts';
import { projectGateway, toBackend } from './gateway-projection.ts';
import { policyRef } from './typed-object.ts';
import type { World } from './world/world.ts';

/** What is in force on connections to a backend, on one way or more, and the policy that says so. */
export type BackendSettings = { readonly tcp: EffectiveBackend['tcp']; readonly tcpPolicy?: StoredObject };

/**
 * The TCP settings on the ways to a backend, stored or not yet; ways alike once. It reads the whole configuration of
 * each gateway that uses the backend.
 */
export function backendSettings(world: World, stored: StoredObject): readonly BackendSettings[] {
  const backend = toBackend(stored);
  if (backend === undefined) return [];
  const found = new Map<string, BackendSettings>();
  for (const gateway of attachedGateways(world, stored)) {
    const resources: readonly GatewayResource[] = [...projectGateway(world, gateway.ref, new Map()).values()].flat();
    const index = indexBackendPolicies(resources.filter((resource) => resource.kind === 'policy'));
    const others: readonly GatewayResource[] = resources.filter(
      ({ kind, key }) => kind !== 'backend' || key !== backend.key,
    );
    for (const path of backendPaths([...others, backend])) {
      if (path.backend !== backend) continue;
      const { tcp } = effectiveBackend(index, path);
      const source = winningSection(index, path, 'tcp')?.source;
      const name = source !== undefined && 'policy' in source ? source.policy.name : undefined;
      const tcpPolicy = name && world.object(policyRef(name.namespace, name.name));
      found.set(JSON.stringify(tcp), { tcp, ...(tcpPolicy && { tcpPolicy }) });
    }
  }
  return [...found.values()];
}
