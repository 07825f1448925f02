import { apiVersionOf, type JsonObject } from '@pulseplane/resources';
import { GROUP_VERSIONS, GROUPS } from './discovery.ts';
import { answer, object, refusal, text, yesOrNo } from './openapi-schema.ts';
import { basePath } from './paths.ts';

const texts: JsonObject = { type: 'array', items: text };
const listOf = (items: JsonObject): JsonObject => ({ type: 'array', items });
const groupVersion: JsonObject = object({ groupVersion: text, version: text });
const group: JsonObject = object({ name: text, versions: listOf(groupVersion), preferredVersion: groupVersion });
const resource: JsonObject = object({
  name: text,
  singularName: text,
  namespaced: yesOrNo,
  group: text,
  version: text,
  kind: text,
  verbs: texts,
  shortNames: texts,
  categories: texts,
});
const versions: JsonObject = object({
  kind: text,
  versions: texts,
  serverAddressByClientCIDRs: listOf({ type: 'object' }),
});
const groups: JsonObject = object({ kind: text, apiVersion: text, groups: listOf(group) });
const oneGroup: JsonObject = object({ kind: text, apiVersion: text, ...(group['properties'] as JsonObject) });
const resources: JsonObject = object({ kind: text, apiVersion: text, groupVersion: text, resources: listOf(resource) });
const documents: JsonObject = object({
  paths: { type: 'object', additionalProperties: object({ serverRelativeURL: text }) },
});
const version: JsonObject = object(
  Object.fromEntries(
    'major minor gitVersion gitCommit gitTreeState buildDate goVersion compiler platform'
      .split(' ')
      .map((name) => [name, text]),
  ),
);
const aggregated: JsonObject = {
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList': { schema: { type: 'object' } },
};

/** Version, health, discovery and these documents: what belongs to no kind. */
export function fixedPaths(): JsonObject {
  const basePaths = GROUP_VERSIONS.map(basePath);
  return {
    '/': read('readPaths', 'The paths of the API, without those of objects.', object({ paths: texts })),
    '/version': read('readVersion', 'The Kubernetes version that the API resembles.', version),
    ...Object.fromEntries(['healthz', 'livez', 'readyz'].map((name) => [`/${name}`, health(name)])),
    '/api': withAggregated(read('readCoreVersions', 'The versions of the core group.', versions)),
    '/apis': withAggregated(read('readGroups', 'All other groups.', groups)),
    ...Object.fromEntries(
      GROUPS.map((name) => [`/apis/${name}`, read(`readGroup${letters(name)}`, `The group ${name}.`, oneGroup)]),
    ),
    ...Object.fromEntries(
      GROUP_VERSIONS.map((entry) => {
        const name = apiVersionOf(entry);
        return [basePath(entry), read(`readResources${letters(name)}`, `What ${name} has.`, resources)];
      }),
    ),
    '/openapi/v2': {
      get: {
        operationId: 'readOpenApiV2',
        description: 'An empty document, for kubectl, which asks version 2 too.',
        responses: {
          200: { description: 'OK', content: { 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf': {} } },
          404: refusal('In every other form: version 3 alone is served.'),
        },
      },
    },
    '/openapi/v3': read('readOpenApiV3', 'Where the documents are.', documents),
    ...Object.fromEntries(
      [...basePaths, '/v1'].map((path) => [
        `/openapi/v3${path}`,
        read(`readOpenApiV3Of${letters(path)}`, `The document of ${path}.`, { type: 'object' }),
      ]),
    ),
  };
}

type Read = { readonly get: JsonObject & { readonly responses: { readonly 200: JsonObject } } };

function read(operationId: string, description: string, schema: JsonObject): Read {
  return { get: { operationId, description, responses: { 200: answer('OK', schema) } } };
}

function withAggregated({ get }: Read): JsonObject {
  const { content, ...rest } = get.responses[200] as { readonly content: JsonObject };
  return { get: { ...get, responses: { 200: { ...rest, content: { ...content, ...aggregated } } } } };
}

function health(name: string): JsonObject {
  const plain = (description: string): JsonObject => ({ description, content: { 'text/plain': { schema: text } } });
  return {
    get: {
      operationId: `read${letters(name)}`,
      description: 'How the process is, in a word.',
      responses: { 200: plain('ok'), ...(name === 'readyz' && { 503: plain('not ready') }) },
    },
  };
}

/** As ids of operations have it. */
function letters(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, '');
}
