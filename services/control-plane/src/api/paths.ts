import type { ResourceKind } from '@pulseplane/resources';

/** Where a group and version is served: `/api/v1`, `/apis/agentgateway.dev/v1alpha1`. */
export function basePath({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** The objects of a kind in one namespace; for a cluster-scoped kind, all of them. `:namespace` is a parameter. */
export function collectionPath(kind: ResourceKind): string {
  return kind.namespaced
    ? `${basePath(kind)}/namespaces/:namespace/${kind.plural}`
    : `${basePath(kind)}/${kind.plural}`;
}

/** The objects of a namespaced kind in all namespaces. */
export function everywherePath(kind: ResourceKind): string {
  return `${basePath(kind)}/${kind.plural}`;
}
