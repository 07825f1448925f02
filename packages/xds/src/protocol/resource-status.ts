import type { VersionedResource } from './resources.ts';
import { heldAt, isRefused, type TypeState, visible } from './type-state.ts';

/** Where a resource stands at a client. `error`: it refuses the version that there is. */
export type ResourceStatus = {
  readonly resource: VersionedResource;
  readonly status: 'synced' | 'not-sent' | 'stale' | 'error';
};

/** What a client subscribes to of a type, and where each resource stands. */
export function resourceStatuses(type: TypeState): readonly ResourceStatus[] {
  const { view, wildcard, names, inFlight } = type;
  if (view === undefined) return [];
  const sent = new Map(inFlight?.response.resources.map(({ name, version }) => [name, version]));
  return [...(wildcard ? view.keys() : names)].flatMap((name): readonly ResourceStatus[] => {
    const resource = visible(type, view, name);
    if (resource === undefined) return [];
    if (sent.get(name) === resource.version) return [{ resource, status: 'stale' }];
    if (isRefused(type, name)) return [{ resource, status: 'error' }];
    return [{ resource, status: heldAt(type, name)?.version === resource.version ? 'synced' : 'not-sent' }];
  });
}
