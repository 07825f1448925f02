import { isJsonObject, type Json } from '@pulseplane/resources';
import {
  asMap,
  type FieldType,
  initialOf,
  itemsOf,
  type ListType,
  type ScalarType,
  typeOfField,
  typeOfValue,
} from './field-type.ts';
import { definedNames } from './json-value.ts';
import { fieldElement, printElement } from './path-element.ts';

/** What keeps a configuration from being applied, each fault with its field, in the words of structured-merge-diff. */
export function configFaults(type: FieldType, value: Json, path = ''): readonly string[] {
  if (value === null) return [];
  const single = typeOfValue(type, value);
  const at = path === '' ? '' : `${path}: `;
  if (single.kind === 'scalar') {
    const fault = scalarFault(single, value);
    return fault === undefined ? [] : [`${at}${fault}`];
  }
  if (single.kind === 'list') {
    if (!Array.isArray(value)) return [`${at}expected list, got ${goValue(value)}`];
    return single.relation === 'atomic' ? atomicFaults(single, value, path) : itemFaults(single, value, path);
  }
  if (!isJsonObject(value)) return [`${at}expected map, got ${goValue(value)}`];
  const object = asMap(value);
  const faults: string[] = [];
  for (const name of definedNames(object)) {
    const fieldPath = path + printElement(fieldElement(name));
    const fieldType = typeOfField(single, name);
    if (fieldType === undefined) return [...faults, `${fieldPath}: field not declared in schema`];
    faults.push(...configFaults(fieldType, object[name] ?? null, fieldPath));
  }
  return faults;
}

/** Several faults as one text. */
export function printFaults(faults: readonly string[]): string {
  return faults.length === 1 ? (faults[0] ?? '') : ['errors:', ...faults.map((fault) => `  ${fault}`)].join('\n');
}

function atomicFaults({ items }: ListType, list: readonly Json[], path: string): readonly string[] {
  return list.flatMap((item, index) => configFaults(items, item, `${path}[${index}]`));
}

function itemFaults(type: ListType, list: readonly Json[], path: string): readonly string[] {
  for (const [index, item] of list.entries()) {
    const fault = elementFault(type, item);
    if (fault !== undefined) return [`${path}: element ${index}: ${fault}`];
  }
  const seen = new Set<string>();
  return itemsOf(type, list).flatMap(([element, item]) => {
    const repeated = seen.has(element) ? [`${path}: duplicate entries for key ${printElement(element)}`] : [];
    seen.add(element);
    return [...repeated, ...configFaults(type.items, item, path + printElement(element))];
  });
}

/** Why an item cannot be told from the others. */
function elementFault({ relation, keys, items }: ListType, item: Json): string | undefined {
  if (relation === 'set') {
    if (isJsonObject(item)) return "associative list without keys has an element that's a map type";
    if (Array.isArray(item)) return 'not supported: associative list with lists as elements';
    return item === null ? "associative list without keys has an element that's an explicit null" : undefined;
  }
  if (item === null) return 'associative list with keys may not have a null element';
  if (!isJsonObject(item)) return 'associative list with keys may not have non-map elements';
  const missing = keys.find((key) => item[key] === undefined && initialOf(items, key) === undefined);
  if (missing === undefined) return undefined;
  return `associative list with keys has an element that omits key field ${JSON.stringify(missing)} (and doesn't have default value)`;
}

function scalarFault({ scalar }: ScalarType, value: Json): string | undefined {
  switch (scalar) {
    case 'numeric':
      return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goType(value)}`;
    case 'string':
      return typeof value === 'string'
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${goValue(value)}}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got &{${goValue(value)}}`;
    case 'untyped':
      return typeof value === 'object' ? `expected any scalar, got &{${goValue(value)}}` : undefined;
  }
}

function goType(value: Json): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

function goValue(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
