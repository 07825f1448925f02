import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { CLUSTER_TYPE_URL, ENDPOINT_TYPE_URL, LISTENER_TYPE_URL, ROUTE_TYPE_URL } from '../protocol/resource-types.ts';
import type { ResourceSet, VersionedResource } from '../protocol/resources.ts';
import { chance, pick, subset } from './random.ts';

export const GATEWAY_TYPE = 'type.googleapis.com/agentgateway.dev.resource.Resource';
export const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;

/** What one role may see, by type. */
export type World = ReadonlyMap<string, ResourceSet>;

/** A version as the simulation writes it: whose it is, which it is, whether clients refuse it, where it leads. */
export type Meaning = {
  readonly role: string;
  readonly bad: boolean;
  /** The cluster that a route leads to. */
  readonly to: string | undefined;
};

export function meaningOf(version: string): Meaning {
  const [role = '', bad, to] = version.split('/');
  return { role, bad: bad === 'bad', to: to || undefined };
}

/**
 * A world that follows another one: some resources come, go and change, of several types at one moment. A route leads to
 * a cluster of the same world, and each cluster has endpoints. `faults`: some versions are such as clients refuse.
 */
export function nextWorld(random: RandomGenerator, role: string, before: World, faults: boolean): World {
  const version = (to = ''): string =>
    `${role}/${faults && chance(random, 0.25) ? 'bad' : ''}/${to}/${uniformInt(random, 0, 999_999)}`;
  const changed = (typeUrl: string, names: readonly string[], to?: () => string): ResourceSet => {
    const known = before.get(typeUrl);
    return setOf(
      names.map((name) => {
        const old = known?.get(name);
        const target = to?.();
        // A former version may come back, too.
        if (
          old !== undefined &&
          chance(random, 0.6) &&
          (target === undefined || meaningOf(old.version).to === target)
        ) {
          return old;
        }
        return { name, version: version(target), body: new Uint8Array(uniformInt(random, 0, 39)) };
      }),
    );
  };
  const clusters = [...subset(random, NAMES)];
  const target = pick(random, clusters);
  return new Map([
    [GATEWAY_TYPE, changed(GATEWAY_TYPE, [...subset(random, NAMES)])],
    [CLUSTER_TYPE_URL, changed(CLUSTER_TYPE_URL, clusters)],
    [ENDPOINT_TYPE_URL, changed(ENDPOINT_TYPE_URL, clusters)],
    [LISTENER_TYPE_URL, changed(LISTENER_TYPE_URL, target === undefined ? [] : ['l'])],
    [ROUTE_TYPE_URL, changed(ROUTE_TYPE_URL, target === undefined ? [] : ['r'], () => target ?? '')],
  ]);
}

function setOf(resources: readonly VersionedResource[]): ResourceSet {
  return new Map(resources.map((resource) => [resource.name, resource]));
}
