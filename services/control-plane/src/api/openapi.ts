import { createHash } from 'node:crypto';
import {
  isJsonObject,
  type Json,
  type JsonObject,
  type JsonSchema,
  METADATA_SCHEMA,
  type ResourceKind,
} from '@pulseplane/resources';
import { POD, VIEW_KINDS } from './cluster-view/kinds.ts';
import { podPaths, refusedPaths } from './cluster-view/openapi.ts';
import { GROUP_VERSIONS, type GroupVersion, verbsOf } from './discovery.ts';
import { fixedPaths } from './fixed-routes-openapi.ts';
import { FLEET_PATHS, FLEET_SCHEMAS } from './fleet/openapi.ts';
import { AT_PARAMETER, HISTORY_SCHEMAS, historyPaths } from './history/openapi.ts';
import { MAX_DELETED } from './limits.ts';
import { LINT_PATHS, LINT_SCHEMAS } from './lint/openapi.ts';
import {
  answer,
  object,
  queryParameter,
  reference,
  refusal,
  STATUS_NAME,
  STATUS_SCHEMAS,
  schemaName,
  text,
  whole,
  yesOrNo,
} from './openapi-schema.ts';
import { basePath, collectionPath, everywherePath } from './paths.ts';
import { PREVIEW_PATHS, PREVIEW_SCHEMAS } from './preview/openapi.ts';
import { REVIEW_KINDS } from './reviews/kinds.ts';
import { IDEMPOTENCY_KEY } from './status.ts';
import { EVENT_STREAM_PATHS, EVENT_STREAM_SCHEMAS, WATCH_PARAMETERS } from './watch/openapi.ts';

const OWN_KEYWORDS = 'x-pulseplane-';
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const METADATA_NAME = `${META}.ObjectMeta`;
const LIST_METADATA_NAME = `${META}.ListMeta`;
const WATCH_EVENT_NAME = `${META}.WatchEvent`;

/** What Kubernetes has in every document. */
const META_SCHEMAS: JsonObject = {
  [METADATA_NAME]: published(METADATA_SCHEMA),
  [LIST_METADATA_NAME]: object({ resourceVersion: text, continue: text, remainingItemCount: whole }),
  [WATCH_EVENT_NAME]: {
    ...object({ type: text, object: { type: 'object' } }),
    required: ['type', 'object'],
  },
};

/** A document that does not change while the process lives. */
export type FixedDocument = { readonly body: string; readonly hash: string };

/** A document and its hash, which names it in URLs and ETags. */
export function fixedDocument(value: JsonObject): FixedDocument {
  const body = JSON.stringify(value);
  return { body, hash: createHash('sha256').update(body).digest('hex').slice(0, 32).toUpperCase() };
}

/** The document of what belongs to no group of kinds. */
const OWN_DOCUMENT: JsonObject = {
  openapi: '3.0.0',
  info: { title: 'Pulseplane event stream, workers, lint report, preview and discovery', version: 'v1' },
  paths: { ...EVENT_STREAM_PATHS, ...FLEET_PATHS, ...LINT_PATHS, ...PREVIEW_PATHS, ...fixedPaths() },
  components: {
    schemas: { ...EVENT_STREAM_SCHEMAS, ...FLEET_SCHEMAS, ...LINT_SCHEMAS, ...PREVIEW_SCHEMAS, ...STATUS_SCHEMAS },
  },
};

/** The documents of `/openapi/v3/...`, by path without the leading slash (`api/v1`). */
export function openApiDocuments(): ReadonlyMap<string, FixedDocument> {
  return new Map([
    ...GROUP_VERSIONS.map((entry): [string, FixedDocument] => [
      basePath(entry).slice(1),
      fixedDocument(openApiDocument(entry)),
    ]),
    ['v1', fixedDocument(OWN_DOCUMENT)],
  ]);
}

/** `/openapi/v3`: where the documents are. */
export function openApiIndex(documents: ReadonlyMap<string, FixedDocument>): FixedDocument {
  const paths = [...documents].map(([path, { hash }]): [string, Json] => [
    path,
    { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` },
  ]);
  return fixedDocument({ paths: Object.fromEntries(paths) });
}

function openApiDocument({ group, version, kinds }: GroupVersion): JsonObject {
  const schemas = kinds.flatMap((kind): [string, Json][] => [
    [schemaName(kind), kindSchema(kind)],
    ...(REVIEW_KINDS.includes(kind) ? [] : [[schemaName(listOf(kind)), listSchema(kind)] satisfies [string, Json]]),
  ]);
  return {
    openapi: '3.0.0',
    info: { title: `Pulseplane ${group === '' ? 'core' : group}`, version },
    paths: Object.fromEntries(kinds.flatMap(kindPaths)),
    components: {
      schemas: { ...Object.fromEntries(schemas), ...META_SCHEMAS, ...STATUS_SCHEMAS, ...HISTORY_SCHEMAS },
    },
  };
}

function kindPaths(kind: ResourceKind): readonly [string, Json][] {
  const collection = collectionPath(kind).replace(':namespace', '{namespace}');
  const namespace = kind.namespaced ? [parameter('namespace', 'path')] : [];
  const create = operation(kind, 'post', 'create');
  const item = `${collection}/{name}`;
  const ofItem = [...namespace, parameter('name', 'path')];
  if (REVIEW_KINDS.includes(kind)) return [[collection, { post: create }]];
  if (VIEW_KINDS.includes(kind)) {
    return [
      [collection, { parameters: namespace, get: operation(kind, 'list', 'list') }],
      [everywherePath(kind), { get: operation(kind, 'list', 'listEverywhere') }],
      [item, { parameters: ofItem, get: operation(kind, 'get', 'read') }],
      ...(kind === POD ? podPaths(item, ofItem) : []),
      ...refusedPaths(kind, item, ofItem),
    ];
  }
  return [
    [
      collection,
      {
        parameters: namespace,
        get: operation(kind, 'list', 'list'),
        post: create,
        ...(verbsOf(kind).includes('deletecollection') && { delete: deletionOfMany(kind) }),
      },
    ],
    ...(kind.namespaced
      ? [[everywherePath(kind), { get: operation(kind, 'list', 'listEverywhere') }] satisfies [string, Json]]
      : []),
    [
      item,
      {
        parameters: ofItem,
        get: operation(kind, 'get', 'read'),
        put: operation(kind, 'put', 'replace'),
        patch: operation(kind, 'patch', 'patch'),
        delete: operation(kind, 'delete', 'delete'),
      },
    ],
    ...(kind.hasStatus ? [[`${item}/status`, statusPath(kind, ofItem)] satisfies [string, Json]] : []),
    ...historyPaths(kind, item, ofItem),
  ];
}

function statusPath(kind: ResourceKind, parameters: readonly JsonObject[]): JsonObject {
  const description = 'Checked, answered with the object as it is, and not kept: the status is derived.';
  return {
    parameters,
    get: operation(kind, 'get', 'readStatus'),
    put: { ...operation(kind, 'put', 'replaceStatus'), description },
    patch: { ...operation(kind, 'patch', 'patchStatus'), description },
  };
}

type GroupVersionKind = Pick<ResourceKind, 'group' | 'version' | 'kind'>;

const SELECTORS: readonly JsonObject[] = [
  queryParameter('labelSelector', 'Only objects with these labels: a=b, a!=b, a in (b,c), a, !a; joined by commas.'),
  queryParameter('fieldSelector', 'Only objects with these fields: metadata.name or metadata.namespace, = or !=.'),
];
const LIST_PARAMETERS: readonly JsonObject[] = [
  ...SELECTORS,
  queryParameter('limit', 'At most so many objects; metadata.continue then leads to the next page.', whole),
  queryParameter('continue', 'The metadata.continue of the page before. Every page shows the state of the first.'),
  ...WATCH_PARAMETERS,
];

const DELETE_PARAMETERS: readonly JsonObject[] = [
  parameter('dryRun', 'query'),
  queryParameter('propagationPolicy', 'Foreground, Background or Orphan. No object has dependents.'),
  queryParameter('orphanDependents', 'The old form of propagationPolicy.', yesOrNo),
  queryParameter('gracePeriodSeconds', 'No object has a grace period.', whole),
];

/** kubectl looks for the parameter `fieldValidation` of the patch operation before it dares to send anything. */
function operation(kind: ResourceKind, action: string, verb: string): JsonObject {
  const writes = ['post', 'put', 'patch'].includes(action);
  const reads = ['get', 'list'].includes(action);
  const parameters = writes
    ? ['dryRun', 'fieldManager', 'fieldValidation', ...(action === 'patch' ? ['force'] : [])].map((name) =>
        parameter(name, 'query'),
      )
    : action === 'list'
      ? LIST_PARAMETERS
      : action === 'delete'
        ? DELETE_PARAMETERS
        : [];
  return {
    operationId: `${verb}${kind.group.replaceAll(/[^a-z]/g, '')}${kind.version}${kind.kind}`,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': groupVersionKind(kind),
    parameters: [...parameters, ...(reads ? pastOf(kind) : [parameter(IDEMPOTENCY_KEY, 'header')])],
    ...(writes && { requestBody: content(kind, action) }),
    responses: { ...answersTo(kind, action), default: refusal('A refusal.') },
  };
}

/** What an operation answers with when it is done; an apply may create. */
function answersTo(kind: ResourceKind, action: string): JsonObject {
  const one = answer('OK', reference(schemaName(kind)));
  switch (action) {
    case 'list':
      return { 200: listAnswer(kind) };
    case 'deletecollection':
      return { 200: answer('OK', reference(schemaName(listOf(kind)))) };
    case 'post':
      return { 201: one };
    case 'patch':
      return { 200: one, 201: one };
    case 'delete':
      return {
        200: answer('Gone; or the object, on its way out.', {
          anyOf: [reference(STATUS_NAME), reference(schemaName(kind))],
        }),
        202: answer('On its way out.', reference(schemaName(kind))),
      };
    default:
      return { 200: one };
  }
}

/** A list, or what follows it. */
function listAnswer(kind: ResourceKind): JsonObject {
  return {
    description: 'OK',
    content: {
      'application/json': { schema: reference(schemaName(listOf(kind))) },
      'application/json;stream=watch': { schema: reference(WATCH_EVENT_NAME) },
    },
  };
}

/** The deletion of a collection, which takes no key. */
function deletionOfMany(kind: ResourceKind): JsonObject {
  const limit = queryParameter('limit', `At most so many objects; not more than ${MAX_DELETED}.`, whole);
  return {
    ...operation(kind, 'deletecollection', 'deleteCollection'),
    parameters: [
      ...SELECTORS,
      limit,
      queryParameter('continue', 'The metadata.continue of the answer before.'),
      parameter('dryRun', 'query'),
    ],
  };
}

/** What only shows something has no past. */
function pastOf(kind: ResourceKind): readonly JsonObject[] {
  return VIEW_KINDS.includes(kind) ? [] : [AT_PARAMETER];
}

function content(kind: ResourceKind, action: string): JsonObject {
  const schema = reference(schemaName(kind));
  if (action !== 'patch') return { content: { 'application/json': { schema }, 'application/yaml': { schema } } };
  const patch = { schema: { type: 'object' } };
  return {
    content: {
      'application/apply-patch+yaml': { schema },
      'application/json-patch+json': { schema: { type: 'array' } },
      'application/merge-patch+json': patch,
      ...(kind.group === '' && { 'application/strategic-merge-patch+json': patch }),
    },
  };
}

function parameter(name: string, place: 'path' | 'query' | 'header'): JsonObject {
  return { name, in: place, ...(place === 'path' && { required: true }), schema: { type: 'string' } };
}

function kindSchema(kind: ResourceKind): JsonObject {
  const metadata = { allOf: [reference(METADATA_NAME)], default: {} };
  const schema = published(kind.schema);
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  return {
    ...schema,
    properties: { ...properties, metadata: { description: METADATA_SCHEMA.description, ...metadata } },
    'x-kubernetes-group-version-kind': [groupVersionKind(kind)],
  };
}

function groupVersionKind({ group, version, kind }: GroupVersionKind): JsonObject {
  return { group, version, kind };
}

function listSchema(kind: ResourceKind): JsonObject {
  return {
    ...object({
      apiVersion: text,
      kind: text,
      metadata: reference(LIST_METADATA_NAME),
      items: { type: 'array', items: reference(schemaName(kind)) },
    }),
    required: ['items'],
    'x-kubernetes-group-version-kind': [groupVersionKind(listOf(kind))],
  };
}

/** The kind of a kind's lists. */
function listOf({ group, version, kind }: GroupVersionKind): GroupVersionKind {
  return { group, version, kind: `${kind}List` };
}

/** The schema without the keywords that are ours alone. */
function published(schema: JsonSchema): JsonObject {
  return JSON.parse(
    JSON.stringify(schema, (name: string, value: unknown) => (name.startsWith(OWN_KEYWORDS) ? undefined : value)),
  ) as JsonObject;
}
