import type { JsonObject } from '@pulseplane/resources';
import { HEARTBEAT_INTERVAL_MS, MAX_WATCH_SECONDS } from '../limits.ts';
import { object, queryParameter, refusal, text, whole, yesOrNo } from '../openapi-schema.ts';

/** The query parameters with which a list is a watch. */
export const WATCH_PARAMETERS: readonly JsonObject[] = [
  queryParameter('watch', 'Follow the changes instead: one JSON object {type, object} on each line.', yesOrNo),
  queryParameter(
    'resourceVersion',
    'Watch: begin after this version; 0 or none: first the present objects as ADDED. List: see the next.',
  ),
  queryParameter(
    'resourceVersionMatch',
    'List: Exact (as it was at the version) or NotOlderThan. Watch: NotOlderThan, with sendInitialEvents.',
  ),
  queryParameter('allowWatchBookmarks', 'Watch: say now and then up to which version all is told.', yesOrNo),
  queryParameter(
    'sendInitialEvents',
    'Watch: first the present objects; with bookmarks, one marks their end.',
    yesOrNo,
  ),
  queryParameter(
    'timeoutSeconds',
    `Watch: end after so many seconds. At most ${MAX_WATCH_SECONDS}; 0 or none: the server chooses.`,
    whole,
  ),
];

const source = object({ seq: whole });

/** An event of the log, as the stream gives it; all but restoredFrom are always there. */
export const EVENT_STREAM_SCHEMAS: JsonObject = {
  'dev.pulseplane.v1.Event': {
    ...object({
      id: text,
      type: { ...text, enum: ['Created', 'SpecChanged', 'MetadataChanged', 'Deleted', 'Compacted'] },
      subject: object({ group: text, kind: text, namespace: text, name: text, uid: text }),
      object: {
        type: 'object',
        description: 'The whole object after the change; before it, for a deletion. The values of a Secret are hidden.',
      },
      actor: object({ user: text, via: text }),
      requestId: text,
      correlationId: text,
      time: { ...text, format: 'date-time' },
      restoredFrom: { ...source, description: 'The event whose object this one brought back.' },
      seq: { ...whole, description: 'The number of the event, which is the resourceVersion of the object.' },
      prevHash: { ...text, description: 'The hash of the event before this one; empty for the first.' },
      hash: { ...text, description: 'SHA-256 over the event and prevHash, in hex.' },
    }),
    required: 'id type subject object actor requestId correlationId time seq prevHash hash'.split(' '),
  },
};

/** `/v1/events`, which belongs to no group of kinds. */
export const EVENT_STREAM_PATHS: JsonObject = {
  '/v1/events': {
    get: {
      operationId: 'streamEvents',
      description: `Every event of the log, in order, as server-sent events; a heartbeat each ${HEARTBEAT_INTERVAL_MS / 1000} s.`,
      parameters: [
        queryParameter('from', 'The first sequence number wanted. Without it, only what comes is sent.', whole),
        ...['kind', 'namespace', 'name'].map((name) => queryParameter(name, `Only events of objects of this ${name}.`)),
        {
          ...queryParameter('Last-Event-ID', 'Resume after this sequence number; counts for more than from.', whole),
          in: 'header',
        },
      ],
      responses: {
        200: {
          description: 'id is the sequence number, event the type, data the event. A failure ends it: event Status.',
          content: { 'text/event-stream': { schema: { $ref: '#/components/schemas/dev.pulseplane.v1.Event' } } },
        },
        400: refusal('A parameter is wrong.'),
        410: refusal('The sequence number is below the oldest that is kept, or above the next.'),
        429: refusal('Too many streams are open.'),
      },
    },
  },
};
