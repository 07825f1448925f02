import type { GatewayResource } from '@pulseplane/projection/gateway';
import { checkResource } from './check-resource.ts';
import { buildTables, type Tables } from './tables.ts';

/** One response of the control plane. Names and versions are those of xDS resources. */
export type Batch = {
  readonly updated: readonly Named[];
  readonly removed: readonly string[];
};

type Named = { readonly name: string; readonly version?: string; readonly resource: GatewayResource };

/** A resource that was refused, and why. */
export type Reject = { readonly name: string; readonly error: string };

/**
 * The tables after a batch. Everything is checked before anything is taken over; a bad resource rejects only itself,
 * and its former version stays.
 */
export function applyBatch(
  tables: Tables,
  batch: Batch,
): { readonly tables: Tables; readonly rejects: readonly Reject[] } {
  const resources = new Map(tables.resources);
  const versions = new Map(tables.versions);
  const changed = new Set<GatewayResource['kind']>();
  const rejects: Reject[] = [];
  for (const name of batch.removed) {
    const resource = resources.get(name);
    if (resource === undefined) continue;
    resources.delete(name);
    versions.delete(name);
    changed.add(resource.kind);
  }
  const holders = holdersByKey(resources);
  for (const { name, version, resource } of batch.updated) {
    const holder = holders.get(identity(resource));
    const error =
      holder !== undefined && holder !== name
        ? `${resource.kind} ${resource.key} is held by the resource ${holder} already`
        : checkResource(resource);
    if (error !== undefined) {
      rejects.push({ name, error });
      continue;
    }
    const former = resources.get(name);
    if (former !== undefined) {
      holders.delete(identity(former));
      changed.add(former.kind);
    }
    resources.set(name, resource);
    if (version === undefined) versions.delete(name);
    else versions.set(name, version);
    holders.set(identity(resource), name);
    changed.add(resource.kind);
  }
  return { tables: changed.size === 0 ? tables : buildTables(resources, versions, tables, changed), rejects };
}

/** Two names for one key would make the answer depend on the order, so that keys are followed. */
function holdersByKey(resources: ReadonlyMap<string, GatewayResource>): Map<string, string> {
  const holders = new Map<string, string>();
  for (const [name, resource] of resources) holders.set(identity(resource), name);
  return holders;
}

function identity(resource: GatewayResource): string {
  return `${resource.kind} ${resource.key}`;
}
