import { isJsonObject, type Json, type JsonObject, type JsonSchema } from '@pulseplane/resources';
import { fieldElement, keyElement, type PathElement, valueElement } from './path-element.ts';

/** What a value is to server-side apply: one field, or a thing whose parts have owners of their own. */
export type FieldType = SingleType | { readonly kind: 'deduced' };

/** A type whose kind does not depend on the value. */
export type SingleType = ScalarType | ListType | MapType;

export type ScalarType = { readonly kind: 'scalar'; readonly scalar: 'boolean' | 'numeric' | 'string' | 'untyped' };

/** An atomic list is one field. The items of others are known by their value (a set) or by `keys` (a map). */
export type ListType = {
  readonly kind: 'list';
  readonly relation: 'atomic' | 'set' | 'map';
  /** Sorted. */
  readonly keys: readonly string[];
  readonly items: FieldType;
};

/** An object, or a map from names to values. An atomic one is one field. */
export type MapType = {
  readonly kind: 'map';
  readonly atomic: boolean;
  /** The declared fields, by name; also in the order of a set. */
  readonly fields: ReadonlyMap<string, Field>;
  readonly sorted: readonly Field[];
  /** The type of the fields that are not declared; undefined when there may be none. */
  readonly others: FieldType | undefined;
};

type Field = {
  readonly name: string;
  readonly element: PathElement;
  readonly type: FieldType;
  readonly initial?: Json;
};

const DEDUCED: FieldType = { kind: 'deduced' };
const UNTYPED: ScalarType = { kind: 'scalar', scalar: 'untyped' };
const DEDUCED_LIST: ListType = { kind: 'list', relation: 'atomic', keys: [], items: DEDUCED };
const DEDUCED_MAP: MapType = { kind: 'map', atomic: false, fields: new Map(), sorted: [], others: DEDUCED };

const types = new WeakMap<JsonSchema, FieldType>();

/** The type that a schema gives (x-kubernetes-list-type, -list-map-keys, -map-type; lists are atomic otherwise). */
export function fieldTypeOf(schema: JsonSchema): FieldType {
  const known = types.get(schema);
  if (known !== undefined) return known;
  const type = readSchema(schema);
  types.set(schema, type);
  return type;
}

/** The type of a value: where the schema leaves it open, what the value is. */
export function typeOfValue(type: FieldType, value: Json | undefined): SingleType {
  if (type.kind !== 'deduced') return type;
  if (Array.isArray(value)) return DEDUCED_LIST;
  return value === undefined || value === null || isJsonObject(value) ? DEDUCED_MAP : UNTYPED;
}

/** The type of a field of a map; undefined when there may be no such field. */
export function typeOfField({ fields, others }: MapType, name: string): FieldType | undefined {
  return fields.get(name)?.type ?? others;
}

/** The items of a list that is not atomic, by their steps. Items are objects if the list is a map. */
export function itemsOf(
  { relation, keys, items: type }: ListType,
  list: Json | undefined,
): readonly (readonly [PathElement, Json])[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly Json[]).map((item) => {
    if (relation === 'set' || !isJsonObject(item)) return [valueElement(item), item];
    return [keyElement(keys, (key) => item[key] ?? initialOf(type, key) ?? null), item];
  });
}

/** What a key of a list's items is where it is left out. */
export function initialOf(type: FieldType, key: string): Json | undefined {
  return type.kind === 'map' ? type.fields.get(key)?.initial : undefined;
}

/** The value of a map as an object; nothing where there is none. */
export function asMap(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function readSchema(schema: JsonSchema): FieldType {
  if (schema['x-kubernetes-int-or-string'] === true) return DEDUCED;
  switch (schema.type) {
    case 'object':
      return readMap(schema);
    case 'array':
      return readList(schema);
    case 'boolean':
      return { kind: 'scalar', scalar: 'boolean' };
    case 'integer':
    case 'number':
      return { kind: 'scalar', scalar: 'numeric' };
    case 'string':
      return schema.format === undefined ? { kind: 'scalar', scalar: 'string' } : UNTYPED;
    default:
      return DEDUCED;
  }
}

function readList(schema: JsonSchema): ListType {
  return {
    kind: 'list',
    relation: schema['x-kubernetes-list-type'] ?? 'atomic',
    keys: (schema['x-kubernetes-list-map-keys'] ?? []).toSorted(),
    items: schema.items === undefined ? DEDUCED : fieldTypeOf(schema.items),
  };
}

function readMap(schema: JsonSchema): MapType {
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]): Field => {
    const initial = field.default === undefined ? {} : { initial: field.default };
    return { name, element: fieldElement(name), type: fieldTypeOf(field), ...initial };
  });
  return {
    kind: 'map',
    atomic: schema['x-kubernetes-map-type'] === 'atomic',
    fields: new Map(fields.map((field) => [field.name, field])),
    sorted: fields.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    others: readOthers(schema),
  };
}

function readOthers(schema: JsonSchema): FieldType | undefined {
  if (schema.additionalProperties !== undefined) return fieldTypeOf(schema.additionalProperties);
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.properties === undefined;
  return open ? DEDUCED : undefined;
}
