import type { Json, JsonObject } from '@pulseplane/resources';
import { type FieldSet, type FieldSetBuilder, isEmptySet, LEAF, nodeOf, SELF, setOf, sorted } from './field-set.ts';
import { asMap, type FieldType, itemsOf, type MapType, typeOfField, typeOfValue } from './field-type.ts';
import { definedNames, isBlank } from './json-value.ts';
import { fieldElement } from './path-element.ts';

/** The fields that a configuration sets: those at the ends, and the items of lists. */
export function fieldsSetBy(type: FieldType, value: Json): FieldSet {
  return setNode(type, value, false) ?? LEAF;
}

/** The node of a value that is new: every field in it, those with parts of their own too. */
export function nodeOfNew(type: FieldType, value: Json): FieldSet {
  const single = typeOfValue(type, value);
  if (single.kind === 'scalar' || isBlank(value)) return LEAF;
  if (single.kind === 'map') return single.atomic ? LEAF : fillNew({ [SELF]: LEAF }, single, asMap(value), LEAF);
  if (single.relation === 'atomic') return LEAF;
  const items = itemsOf(single, value).map(([element, item]) => [element, nodeOfNew(single.items, item)] as const);
  return nodeOf(true, setOf(items)) ?? LEAF;
}

/** The fields in a new object but for those in `except`. */
export function fieldsOfNew(type: FieldType, object: JsonObject, except: FieldSet): FieldSet {
  return type.kind === 'map' ? fillNew({}, type, object, except) : LEAF;
}

/** Called for every creation: in one pass, and without sorting the declared fields again. */
function fillNew(set: FieldSetBuilder, type: MapType, object: JsonObject, except: FieldSet): FieldSet {
  for (const { name, element, type: fieldType } of type.sorted) {
    const field = object[name];
    if (field === undefined) continue;
    const excepted = except[element];
    if (excepted === undefined) set[element] = nodeOfNew(fieldType, field);
    else if (!isEmptySet(excepted)) {
      const below = fieldsOfNew(fieldType, asMap(field), excepted);
      if (!isEmptySet(below)) set[element] = below;
    }
  }
  const { others } = type;
  if (others === undefined) return set;
  const names = definedNames(object).filter((name) => !type.fields.has(name));
  for (const name of names.sort()) set[fieldElement(name)] = nodeOfNew(others, object[name] ?? null);
  return names.length === 0 || type.sorted.length === 0 ? set : sorted(set);
}

function setNode(type: FieldType, value: Json, member: boolean): FieldSet | undefined {
  const single = typeOfValue(type, value);
  if (single.kind === 'scalar') return LEAF;
  if (single.kind === 'list') {
    if (single.relation === 'atomic') return LEAF;
    const items = itemsOf(single, value).map(
      ([element, item]) => [element, setNode(single.items, item, true)] as const,
    );
    return nodeOf(member, setOf(items));
  }
  if (single.atomic) return LEAF;
  const object = asMap(value);
  const fields = definedNames(object).map((name) => {
    const field = object[name] ?? null;
    const isMember = field === null || (!Array.isArray(field) && isBlank(field)) || !single.fields.has(name);
    return [fieldElement(name), setNode(typeOfField(single, name) ?? { kind: 'deduced' }, field, isMember)] as const;
  });
  return nodeOf(member, setOf(fields));
}
