import { defineKind, type JsonObject, type KubernetesObject, type ResourceKind, readPath } from '@pulseplane/resources';
import { object, text, whole } from '../openapi-schema.ts';

const time: JsonObject = { ...text, format: 'date-time' };

/** The fields that `kubectl get events --field-selector` may name, as in Kubernetes. */
const SELECTABLE = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'type',
];

/** Something that happened to an object, told by the control plane. */
export const EVENT: ResourceKind = defineKind({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  categories: [],
  description: 'What became of a policy, Gateway or route. Recorded by the control plane for an hour; read-only.',
  content: {
    involvedObject: object({
      kind: text,
      namespace: text,
      name: text,
      uid: text,
      apiVersion: text,
      resourceVersion: text,
    }),
    reason: { ...text, description: 'One word for what happened.' },
    message: { ...text, description: 'A sentence for people.' },
    source: object({ component: text }),
    firstTimestamp: { ...time, description: 'When it happened first.' },
    lastTimestamp: { ...time, description: 'When it happened last.' },
    count: { ...whole, format: 'int32', description: 'How often it happened.' },
    type: { ...text, description: 'Normal or Warning.' },
    reportingComponent: text,
    reportingInstance: text,
  },
  selectableFields: {
    ...Object.fromEntries(SELECTABLE.map((field) => [field, (event: KubernetesObject) => textAt(event, `.${field}`)])),
    source: (event) => textAt(event, '.source.component'),
  },
  isTable: true,
  columns: [
    { name: 'Last Seen', type: 'date', jsonPath: '.lastTimestamp', description: 'How long ago it happened last.' },
    { name: 'Type', type: 'string', jsonPath: '.type', description: 'Normal or Warning.' },
    { name: 'Reason', type: 'string', jsonPath: '.reason', description: 'One word for what happened.' },
    {
      name: 'Object',
      type: 'string',
      jsonPath: '',
      read: (event) =>
        `${textAt(event, '.involvedObject.kind').toLowerCase()}/${textAt(event, '.involvedObject.name')}`,
      description: 'What it happened to.',
    },
    {
      name: 'Source',
      type: 'string',
      jsonPath: '.source.component',
      description: 'Who tells it.',
      priority: 1,
    },
    { name: 'Message', type: 'string', jsonPath: '.message', description: 'A sentence for people.' },
    {
      name: 'First Seen',
      type: 'date',
      jsonPath: '.firstTimestamp',
      description: 'How long ago it happened first.',
      priority: 1,
    },
    { name: 'Count', type: 'string', jsonPath: '.count', description: 'How often it happened.', priority: 1 },
    { name: 'Name', type: 'string', jsonPath: '.metadata.name', description: 'The name of the event.', priority: 1 },
  ],
});

function textAt(event: JsonObject | KubernetesObject, path: string): string {
  const [value = ''] = readPath(event, path);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
