import { apiVersionOf, type JsonObject, NAMESPACE, RESOURCE_KINDS, type ResourceKind } from '@pulseplane/resources';
import { VIEW_KINDS, viewSubresources } from './cluster-view/kinds.ts';
import { HISTORY_GROUP_VERSION } from './history/history-handlers.ts';
import { historySubresources } from './history/subresources.ts';
import { REVIEW_KINDS } from './reviews/kinds.ts';

/** What can be done with the objects of every kind that is kept, with those that only show something, with questions. */
const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const NAMESPACE_VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
const VIEW_VERBS = ['get', 'list', 'watch'];
const REVIEW_VERBS = ['create'];

const SERVED_KINDS: readonly ResourceKind[] = [...RESOURCE_KINDS, ...VIEW_KINDS, ...REVIEW_KINDS];

/** The content type that clients know the aggregated form by. */
export const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** One group and version, with its kinds. */
export type GroupVersion = {
  readonly group: string;
  readonly version: string;
  readonly kinds: readonly ResourceKind[];
};

/** Every group and version that is served, in the order of the registry. */
export const GROUP_VERSIONS: readonly GroupVersion[] = [...new Set(SERVED_KINDS.map(apiVersionOf))].map((name) => {
  const kinds = SERVED_KINDS.filter((kind) => apiVersionOf(kind) === name);
  return { group: kinds[0]?.group ?? '', version: kinds[0]?.version ?? '', kinds };
});

/** Every group but the core group. */
export const GROUPS: readonly string[] = [...new Set(GROUP_VERSIONS.map(({ group }) => group))].filter(Boolean);

/** `/api` in its old form. */
export function apiVersions(): JsonObject {
  return {
    kind: 'APIVersions',
    versions: GROUP_VERSIONS.filter(({ group }) => group === '').map(({ version }) => version),
    serverAddressByClientCIDRs: [],
  };
}

/** `/apis` in its old form. */
export function apiGroupList(): JsonObject {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: GROUPS.map(groupEntry) };
}

/** `/apis/GROUP`. */
export function apiGroup(group: string): JsonObject {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) };
}

/** `/api/v1` and `/apis/GROUP/VERSION`. */
export function apiResourceList({ group, version, kinds }: GroupVersion): JsonObject {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: kinds.flatMap((kind) => [resourceEntry(kind), ...subresourceEntries(kind)]),
  };
}

/** `/api` (the core group) or `/apis` (all others) in one document. */
export function aggregatedDiscovery(groups: readonly string[]): JsonObject {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === '' ? {} : { name: group },
      versions: GROUP_VERSIONS.filter((entry) => entry.group === group).map(({ version, kinds }) => ({
        version,
        freshness: 'Current',
        resources: kinds.map(aggregatedEntry),
      })),
    })),
  };
}

function groupEntry(group: string): JsonObject {
  const versions = GROUP_VERSIONS.filter((entry) => entry.group === group).map(({ version }) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] ?? {} };
}

function resourceEntry(kind: ResourceKind): JsonObject {
  return {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: verbsOf(kind),
    shortNames: kind.shortNames,
    categories: kind.categories,
  };
}

/** What can be done with a kind's objects. As in Kubernetes, namespaces are deleted one by one. */
export function verbsOf(kind: ResourceKind): readonly string[] {
  if (VIEW_KINDS.includes(kind)) return VIEW_VERBS;
  if (REVIEW_KINDS.includes(kind)) return REVIEW_VERBS;
  return kind === NAMESPACE ? NAMESPACE_VERBS : VERBS;
}

/** A kind of another group is named with it, as `deployments/scale` is in Kubernetes. */
function subresourceEntries(kind: ResourceKind): readonly JsonObject[] {
  const { plural, namespaced } = kind;
  return subresources(kind).map(({ name, verbs, answers }) => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    ...(answers === undefined ? { kind: kind.kind } : { ...HISTORY_GROUP_VERSION, kind: answers }),
    verbs,
  }));
}

type Subresource = { readonly name: string; readonly verbs: readonly string[]; readonly answers?: string };

/** The paths below an object. Kubernetes' verb for a POST is create. */
export function subresources(kind: ResourceKind): readonly Subresource[] {
  if (VIEW_KINDS.includes(kind)) return viewSubresources(kind);
  if (REVIEW_KINDS.includes(kind)) return [];
  const status = { name: 'status', verbs: ['get', 'patch', 'update'] };
  const past = historySubresources(kind).map(({ name, handlers, ...rest }) => ({
    ...rest,
    name,
    verbs: handlers.GET === undefined ? ['create'] : ['get'],
  }));
  return kind.hasStatus ? [status, ...past] : past;
}

function aggregatedEntry(kind: ResourceKind): JsonObject {
  const responseKind = { group: kind.group, version: kind.version, kind: kind.kind };
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    shortNames: kind.shortNames,
    categories: kind.categories,
    verbs: verbsOf(kind),
    subresources: subresources(kind).map(({ name, verbs, answers }) => ({
      subresource: name,
      responseKind: answers === undefined ? responseKind : { ...HISTORY_GROUP_VERSION, kind: answers },
      verbs,
    })),
  };
}
