import type { Json } from '@pulseplane/resources';
import { elementsOf, type FieldSet, isEmptySet, isMember, LEAF, nodeOf, setOf } from './field-set.ts';
import { asMap, type FieldType, itemsOf, typeOfField, typeOfValue } from './field-type.ts';
import { definedNames, isBlank } from './json-value.ts';
import { fieldElement, fieldName, type PathElement } from './path-element.ts';

/** The value without the fields of a set; null where nothing is left. */
export function removeFields(type: FieldType, value: Json, fields: FieldSet): Json {
  const single = typeOfValue(type, value);
  if (single.kind === 'scalar') return value;
  if (isBlank(value) || (single.kind === 'list' ? single.relation === 'atomic' : single.atomic)) return null;
  const without = (itemType: FieldType, element: PathElement, item: Json): Json | undefined => {
    const node = fields[element];
    if (node === undefined) return item;
    return isMember(node) ? undefined : removeFields(itemType, item, node);
  };
  if (single.kind === 'list') {
    const items = itemsOf(single, value).map(([element, item]) => without(single.items, element, item));
    const kept = items.filter((item) => item !== undefined);
    return kept.length > 0 ? kept : null;
  }
  const kept = new Map<string, Json>();
  const object = asMap(value);
  for (const name of definedNames(object)) {
    const left = without(typeOfField(single, name) ?? { kind: 'deduced' }, fieldElement(name), object[name] ?? null);
    if (left !== undefined) kept.set(name, left);
  }
  return kept.size > 0 ? Object.fromEntries(kept) : null;
}

/** The set together with the declared fields on the way to its fields. */
export function withNamedParents(type: FieldType, set: FieldSet): FieldSet {
  return setOf(
    elementsOf(set).map((element) => {
      const node = set[element] ?? LEAF;
      const name = fieldName(element);
      const named = name !== undefined && type.kind === 'map' && type.fields.has(name);
      const below = typeBelow(type, element);
      const children = isEmptySet(node) ? LEAF : withNamedParents(below ?? { kind: 'deduced' }, node);
      return [element, nodeOf(named || isMember(node), children)] as const;
    }),
  );
}

/**
 * The set as the schema now is: of a map or list that has become atomic, whoever owned a part owns the whole. The same
 * set when nothing has changed.
 */
export function fitToType(type: FieldType, set: FieldSet): FieldSet {
  const elements = elementsOf(set);
  const fitted = elements.map((element): [PathElement, FieldSet] => {
    const node = set[element] ?? LEAF;
    const below = typeBelow(type, element);
    if (below === undefined || below.kind === 'deduced' || below.kind === 'scalar' || isEmptySet(node)) {
      return [element, node];
    }
    const atomic = below.kind === 'list' ? below.relation === 'atomic' : below.atomic;
    if (atomic) return [element, LEAF];
    const children = fitToType(below, node);
    return [element, children === node ? node : (nodeOf(isMember(node), children) ?? LEAF)];
  });
  return fitted.every(([element, node]) => node === set[element]) ? set : setOf(fitted);
}

function typeBelow(type: FieldType, element: PathElement): FieldType | undefined {
  const name = fieldName(element);
  if (name === undefined) return type.kind === 'list' ? type.items : undefined;
  return type.kind === 'map' ? typeOfField(type, name) : undefined;
}
