import type { Json, JsonObject } from '@pulseplane/resources';
import { asMap, type FieldType, itemsOf, type ListType, type MapType, typeOfField, typeOfValue } from './field-type.ts';
import { definedNames, isBlank } from './json-value.ts';
import type { PathElement } from './path-element.ts';

/** The live value with the configuration on top. Takes nothing away, not even by null. */
export function merge(type: FieldType, live: Json | undefined, config: Json | undefined): Json | undefined {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const single = config === null && type.kind === 'deduced' ? typeOfValue(type, live) : typeOfValue(type, config);
  if (single.kind === 'scalar' || (isBlank(live) && isBlank(config))) return config;
  if (single.kind === 'list') {
    return single.relation === 'atomic' ? config : mergeLists(single, live, config);
  }
  return single.atomic ? config : mergeMaps(single, asMap(live), asMap(config));
}

function mergeMaps(type: MapType, live: JsonObject, config: JsonObject): JsonObject {
  const merged = new Map<string, Json>();
  for (const name of new Set([...definedNames(live), ...definedNames(config)])) {
    const value = merge(typeOfField(type, name) ?? { kind: 'deduced' }, live[name], config[name]);
    if (value !== undefined) merged.set(name, value);
  }
  return Object.fromEntries(merged);
}

/**
 * Items that only one side has keep their place; those of both are in the order of the configuration. This is the
 * order of structured-merge-diff, step by step, because clients compare lists by place.
 */
function mergeLists({ items: type, ...list }: ListType, live: Json, config: Json): readonly Json[] {
  const [left, right] = [itemsOf({ ...list, items: type }, live), itemsOf({ ...list, items: type }, config)];
  const [leftByElement, rightByElement] = [new Map(left), new Map(right)];
  const shared = right.map(([element]) => element).filter((element) => leftByElement.has(element));
  const done = new Set<PathElement>();
  const merged: Json[] = [];
  const take = (element: PathElement): void => {
    const value = merge(type, leftByElement.get(element), rightByElement.get(element));
    if (value !== undefined) merged.push(value);
  };
  let next = shared.shift();
  for (let l = 0, r = 0; l < left.length || r < right.length; ) {
    const leftElement = left[l]?.[0];
    const rightElement = right[r]?.[0];
    if (leftElement !== undefined && rightElement !== undefined) {
      if (leftElement === rightElement) {
        done.add(leftElement);
        take(leftElement);
        l++;
        r++;
        next = shared.shift();
        continue;
      }
      if (rightByElement.has(leftElement) && next !== undefined && next !== leftElement) {
        l++;
        continue;
      }
    }
    if (leftElement !== undefined) {
      if (!rightByElement.has(leftElement)) {
        take(leftElement);
        l++;
        continue;
      }
      if (done.has(leftElement)) l++;
    }
    if (rightElement !== undefined) {
      done.add(rightElement);
      take(rightElement);
      r++;
      if (next === rightElement) next = shared.shift();
    }
  }
  return merged;
}
