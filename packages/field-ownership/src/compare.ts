import type { Json } from '@pulseplane/resources';
import { type FieldSet, LEAF, nodeOf, setOf } from './field-set.ts';
import { asMap, type FieldType, itemsOf, type SingleType, typeOfField, typeOfValue } from './field-type.ts';
import { definedNames, isBlank, sameJson } from './json-value.ts';
import { fieldElement, type PathElement } from './path-element.ts';
import { nodeOfNew } from './value-fields.ts';

/** What differs between two values. No field is in two of the sets. */
export type Comparison = { readonly added: FieldSet; readonly modified: FieldSet; readonly removed: FieldSet };

type Change = {
  readonly added?: FieldSet | undefined;
  readonly modified?: FieldSet | undefined;
  readonly removed?: FieldSet | undefined;
};
type Pair = readonly [PathElement, FieldType, Json | undefined, Json | undefined];

const NO_CHANGE: Change = {};

/** The fields in which two values differ. */
export function compare(type: FieldType, before: Json, after: Json): Comparison {
  const { added, modified, removed } = compareNodes(type, before, after);
  return { added: added ?? LEAF, modified: modified ?? LEAF, removed: removed ?? LEAF };
}

function compareNodes(type: FieldType, before: Json | undefined, after: Json | undefined): Change {
  if (before === after) return NO_CHANGE;
  if (before === undefined) return { added: nodeOfNew(type, after ?? null) };
  if (after === undefined) return { removed: nodeOfNew(type, before) };
  const [old, present] = [typeOfValue(type, before), typeOfValue(type, after)];
  if (old === present) return compareAs(present, before, after);
  // The value has become one of another kind: what was in it is removed, what is in it is added, itself is modified.
  const { removed } = compareAs(old, before, null);
  return { added: compareAs(present, null, after).added, modified: LEAF, removed };
}

function compareAs(type: SingleType, before: Json, after: Json): Change {
  const atomic = type.kind === 'scalar' || (type.kind === 'list' ? type.relation === 'atomic' : type.atomic);
  if (atomic || (isBlank(before) && isBlank(after))) return sameJson(before, after) ? NO_CHANGE : { modified: LEAF };
  return combine(type.kind === 'list' ? pairItems(type, before, after) : pairFields(type, before, after));
}

function combine(pairs: readonly Pair[]): Change {
  const changes: (readonly [PathElement, Change])[] = [];
  for (const [element, type, before, after] of pairs) {
    const change = compareNodes(type, before, after);
    if (change !== NO_CHANGE) changes.push([element, change]);
  }
  if (changes.length === 0) return NO_CHANGE;
  const pick = (which: keyof Change) =>
    nodeOf(false, setOf(changes.map(([element, change]) => [element, change[which]])));
  return { added: pick('added'), modified: pick('modified'), removed: pick('removed') };
}

function pairFields(type: SingleType & { readonly kind: 'map' }, before: Json, after: Json): readonly Pair[] {
  const [old, present] = [asMap(before), asMap(after)];
  const names = new Set([...definedNames(old), ...definedNames(present)]);
  return [...names].map((name) => [
    fieldElement(name),
    typeOfField(type, name) ?? { kind: 'deduced' },
    old[name],
    present[name],
  ]);
}

function pairItems(type: SingleType & { readonly kind: 'list' }, before: Json, after: Json): readonly Pair[] {
  const [old, present] = [new Map(itemsOf(type, before)), new Map(itemsOf(type, after))];
  const elements = new Set([...old.keys(), ...present.keys()]);
  return [...elements].map((element) => [element, type.items, old.get(element), present.get(element)]);
}
