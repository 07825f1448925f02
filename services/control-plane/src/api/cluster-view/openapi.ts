import type { Json, JsonObject, ResourceKind } from '@pulseplane/resources';
import { queryParameter, refusal, text, whole, yesOrNo } from '../openapi-schema.ts';
import { ADMIN_PORT, CONTAINER_NAME, refusedSubresources } from './kinds.ts';

const LOG_PARAMETERS: readonly JsonObject[] = [
  queryParameter('container', `${CONTAINER_NAME}, or nothing.`),
  queryParameter('follow', 'Go on with what the worker logs from now on.', yesOrNo),
  queryParameter('previous', 'Not supported: the log of a worker ends with it.', yesOrNo),
  queryParameter('timestamps', 'Begin each line with its time.', yesOrNo),
  queryParameter('tailLines', 'Only so many of the newest lines.', whole),
  queryParameter('sinceSeconds', 'Only lines of so many seconds.', whole),
  queryParameter('sinceTime', 'Only lines since this time, in RFC 3339.'),
  queryParameter('limitBytes', 'At most so many bytes.', whole),
];

/** Paths that are there to say that nobody can use them: no method of theirs does anything. */
export function refusedPaths(kind: ResourceKind, item: string, parameters: readonly Json[]): readonly [string, Json][] {
  return refusedSubresources(kind).map((name) => [`${item}/${name}`, { parameters }]);
}

/** The paths below a Pod: its log, and the way to its admin port. `parameters` are those of the Pod's path. */
export function podPaths(item: string, parameters: readonly Json[]): readonly [string, Json][] {
  const forward = (operationId: string): JsonObject => ({
    operationId,
    description: `An upgrade to websocket or SPDY, over which connections to port ${ADMIN_PORT} go.`,
    responses: { 101: { description: 'The connection is upgraded.' }, default: refusal('A refusal.') },
  });
  return [
    [
      `${item}/log`,
      {
        parameters,
        get: {
          operationId: 'readPodLog',
          description: 'The newest lines of the worker.',
          parameters: LOG_PARAMETERS,
          responses: {
            200: { description: 'OK', content: { 'text/plain': { schema: text } } },
            default: refusal('A refusal.'),
          },
        },
      },
    ],
    [
      `${item}/portforward`,
      {
        parameters,
        get: forward('connectGetPodPortforward'),
        post: forward('connectPostPodPortforward'),
      },
    ],
  ];
}
