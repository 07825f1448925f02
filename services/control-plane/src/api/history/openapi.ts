import { GATEWAY, type Json, type JsonObject, type ResourceKind } from '@pulseplane/resources';
import {
  answer,
  object,
  queryParameter,
  reference,
  refusal,
  schemaName,
  text,
  whole,
  yesOrNo,
} from '../openapi-schema.ts';
import { DEFAULT_PAGE, MAX_PAGE } from './history-handlers.ts';

const POINT = 'A sequence number (resourceVersion), or a time in RFC 3339.';

const texts: JsonObject = { type: 'array', items: text };
const source = object({ seq: whole });

/** What the paths of the past answer with. */
export const HISTORY_SCHEMAS: JsonObject = {
  'dev.pulseplane.v1.ObjectHistory': object({
    kind: text,
    apiVersion: text,
    metadata: object({ name: text, namespace: text, resourceVersion: text, continue: text }),
    items: {
      type: 'array',
      items: object({
        seq: whole,
        time: { ...text, format: 'date-time' },
        type: { ...text, enum: ['Created', 'SpecChanged', 'MetadataChanged', 'Deleted'] },
        actor: object({ user: text, via: text }),
        requestId: text,
        correlationId: text,
        uid: text,
        generation: whole,
        restoredFrom: { ...source, description: 'The event whose object this one brought back.' },
        diff: { ...texts, description: 'Absent when the version before has been compacted away.' },
      }),
    },
  }),
  'dev.pulseplane.v1.ObjectDiff': object({
    kind: text,
    apiVersion: text,
    metadata: object({ name: text, namespace: text }),
    from: object({ seq: whole, exists: yesOrNo, resourceVersion: text }),
    to: object({ seq: whole, exists: yesOrNo, resourceVersion: text }),
    changes: { type: 'array', items: object({ path: text, before: {}, after: {} }) },
    text: texts,
  }),
  'dev.pulseplane.v1.RollbackRequest': object({ to: { description: POINT }, resourceVersion: text }),
  'dev.pulseplane.v1.EffectiveConfig': object({
    kind: text,
    apiVersion: text,
    metadata: object({ name: text, namespace: text }),
    gateway: object({ name: text, namespace: text }),
    seq: whole,
    ports: {
      type: 'array',
      items: object({
        port: whole,
        protocol: text,
        tcp: { type: 'object', nullable: true },
        http: { type: 'object', nullable: true },
        values: { type: 'array', items: object({ name: text, value: {}, source: {} }) },
        overridden: { type: 'array', items: { type: 'object' } },
        moreOverridden: yesOrNo,
        backends: {
          type: 'array',
          description: 'The ways from a listener of the port to a backend.',
          items: object({
            listener: text,
            route: object({ kind: text, namespace: text, name: text, ruleName: text }),
            backend: object({ namespace: text, name: text }),
            tcp: { type: 'object' },
            http: { type: 'object', nullable: true },
            values: { type: 'array', items: object({ name: text, value: {}, source: {} }) },
            overridden: { type: 'array', items: { type: 'object' } },
            moreOverridden: yesOrNo,
          }),
        },
        moreBackends: yesOrNo,
      }),
    },
    resources: { type: 'array', items: { type: 'object' } },
  }),
};

/** The query parameter with which reads go back in time. */
export const AT_PARAMETER: JsonObject = queryParameter('at', `${POINT} The answer is as it was then, without status.`);

const EFFECTIVE_PARAMETERS: readonly JsonObject[] = [
  AT_PARAMETER,
  queryParameter('port', 'Only this port.'),
  queryParameter('explain', 'true: where each value comes from, and which policies lost and why.'),
];

/** The paths of the past below an object's path. `parameters` are those of the path itself. */
export function historyPaths(kind: ResourceKind, item: string, parameters: readonly Json[]): readonly [string, Json][] {
  const id = (verb: string): string => `${verb}${kind.group.replaceAll(/[^a-z]/g, '')}${kind.version}${kind.kind}`;
  const schema = (name: string): JsonObject => reference(`dev.pulseplane.v1.${name}`);
  const itself = reference(schemaName(kind));
  const answers = (code: number, description: string, body: JsonObject): JsonObject => ({
    [code]: answer(description, body),
    default: refusal('A refusal.'),
  });
  const get = (verb: string, name: string, description: string, query: readonly JsonObject[]): JsonObject => ({
    parameters,
    get: { operationId: id(verb), description, parameters: query, responses: answers(200, 'OK', schema(name)) },
  });
  const dryRun = queryParameter('dryRun', 'All: nothing is stored.');
  const post = (verb: string, description: string, query: readonly JsonObject[], more: JsonObject): JsonObject => ({
    parameters,
    post: { operationId: id(verb), description, parameters: [...query, dryRun], ...more },
  });
  const rollbackBody = { schema: schema('RollbackRequest') };
  const paths: readonly [string, Json][] = [
    [
      `${item}/history`,
      get('readHistoryOf', 'ObjectHistory', 'What happened to the objects of this name, newest first.', [
        queryParameter('limit', `At most so many; ${DEFAULT_PAGE} unless said otherwise, ${MAX_PAGE} at most.`),
        queryParameter('before', 'Only events before this sequence number: metadata.continue of the page before.'),
      ]),
    ],
    [
      `${item}/diff`,
      get('readDiffOf', 'ObjectDiff', 'How the object differs between two points in time.', [
        { ...queryParameter('from', POINT), required: true },
        queryParameter('to', `${POINT} Now when left out.`),
      ]),
    ],
    [
      `${item}/rollback`,
      post('rollback', 'Gives the object the spec that it had.', [queryParameter('to', POINT)], {
        requestBody: { content: { 'application/json': rollbackBody, 'application/yaml': rollbackBody } },
        responses: answers(200, 'The object with its new version.', itself),
      }),
    ],
    [
      `${item}/undelete`,
      post('undelete', 'Creates the object anew as it was when it was last deleted.', [], {
        responses: answers(201, 'The new object.', itself),
      }),
    ],
  ];
  if (kind !== GATEWAY) return paths;
  const description = 'What the workers of the gateway run, with the settings in force on each port.';
  return [
    ...paths,
    [`${item}/effective`, get('readEffectiveOf', 'EffectiveConfig', description, EFFECTIVE_PARAMETERS)],
  ];
}
