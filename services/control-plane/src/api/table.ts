import {
  type Column,
  isJsonObject,
  type Json,
  type JsonObject,
  type ResourceKind,
  readPath,
} from '@pulseplane/resources';
import { formatAge } from './age.ts';

/** What of an object a Table's rows carry. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** Kubernetes' words for the first column of every Table. */
const NAME_DESCRIPTION =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names';

const NAME: JsonObject = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: NAME_DESCRIPTION,
  priority: 0,
};

/** Objects of one kind as the Table that kubectl prints. */
export function toTable(
  kind: ResourceKind,
  objects: readonly JsonObject[],
  options: { readonly now: Date; readonly include: IncludeObject; readonly metadata: JsonObject },
): JsonObject {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: [
      ...(kind.isTable === true ? [] : [NAME]),
      ...kind.columns.map(({ name, type, description, priority }) => ({
        name,
        type,
        format: '',
        description,
        priority,
      })),
    ],
    rows: objects.map((object) => ({
      cells: [
        ...(kind.isTable === true ? [] : [nameOf(object)]),
        ...kind.columns.map((column) => cell(column, object, options.now)),
      ],
      object: rowObject(object, options.include),
    })),
  };
}

/** Only the first value that a path finds is shown, as on a cluster; nothing found is a blank cell. */
function cell(column: Column, object: JsonObject, now: Date): Json {
  if (column.read !== undefined) return column.read(object);
  const [value] = readPath(object, column.jsonPath);
  if (column.type === 'date') {
    const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
    return Number.isNaN(time) ? '<unknown>' : formatAge(now.getTime() - time);
  }
  if (value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function rowObject(object: JsonObject, include: IncludeObject): Json {
  if (include === 'None') return null;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object['metadata'] ?? {} };
}

function nameOf(object: JsonObject): string {
  const metadata = object['metadata'];
  return isJsonObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';
}
