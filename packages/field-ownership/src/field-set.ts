import { isJsonObject, type Json } from '@pulseplane/resources';
import { compareElements, type PathElement, readElement } from './path-element.ts';

/**
 * A set of fields in the form that Kubernetes stores (FieldsV1): a tree whose keys are the steps down. A node without
 * children is a field of the set; one with children is a field only if it has the child `.`. At the root, no children
 * mean the empty set. Keys are in the order of `compareElements`, `.` first.
 */
export type FieldSet = { readonly [element: PathElement]: FieldSet };

/** A set under construction. */
export type FieldSetBuilder = { [element: PathElement]: FieldSet };

/** A field without any below it; also the empty set, at the root. */
export const LEAF: FieldSet = Object.freeze({});

/** The key that makes a node with children a field of the set. */
export const SELF = '.';

/** Reads a set that somebody else wrote into the one form that it has here; undefined when it is none. */
export function readFieldSet(json: Json): FieldSet | undefined {
  const root = readNode(json);
  return root === undefined ? undefined : withoutSelf(root);
}

/** A node of the tree; undefined when it is neither a field nor has any below it. */
export function nodeOf(member: boolean, children: FieldSet): FieldSet | undefined {
  if (isEmptySet(children)) return member ? LEAF : undefined;
  return member ? { [SELF]: LEAF, ...children } : children;
}

/** Whether a node (not the root) is a field of the set. */
export function isMember(node: FieldSet): boolean {
  return node[SELF] !== undefined || isEmptySet(node);
}

/** Whether there is no field in a set. */
export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** The steps from a node to the nodes below it. */
export function elementsOf(node: FieldSet): readonly PathElement[] {
  return Object.keys(node).filter((element) => element !== SELF);
}

/** A set of these nodes, in order. */
export function setOf(nodes: readonly (readonly [PathElement, FieldSet | undefined])[]): FieldSet {
  const set: FieldSetBuilder = {};
  for (const [element, node] of nodes.toSorted(([a], [b]) => compareElements(a, b))) {
    if (node !== undefined) set[element] = node;
  }
  return set;
}

/** The same node with its children in order. */
export function sorted(node: FieldSet): FieldSet {
  return nodeOf(node[SELF] !== undefined, setOf(elementsOf(node).map((element) => [element, node[element]]))) ?? LEAF;
}

/** The fields of either set. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b;
  const added = elementsOf(b).filter((element) => a[element] === undefined);
  const elements = added.length === 0 ? elementsOf(a) : [...elementsOf(a), ...added].sort(compareElements);
  const set: FieldSetBuilder = {};
  for (const element of elements) {
    const [left, right] = [a[element], b[element]];
    const node =
      left === undefined || right === undefined
        ? (left ?? right)
        : nodeOf(isMember(left) || isMember(right), union(withoutSelf(left), withoutSelf(right)));
    if (node !== undefined) set[element] = node;
  }
  return set;
}

/** The fields of `a` that are not in `b`; what is below a field of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const set: FieldSetBuilder = {};
  for (const element of elementsOf(a)) {
    const [left, right] = [a[element], b[element]];
    if (left === undefined) continue;
    const node = right === undefined ? left : nodeOf(isMember(left) && !isMember(right), difference(left, right));
    if (node !== undefined) set[element] = node;
  }
  return set;
}

/** The fields that are in both sets. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const set: FieldSetBuilder = {};
  for (const element of elementsOf(a)) {
    const [left, right] = [a[element], b[element]];
    if (left === undefined || right === undefined) continue;
    const node = nodeOf(isMember(left) && isMember(right), intersection(left, right));
    if (node !== undefined) set[element] = node;
  }
  return set;
}

/** The way to each field of a set; those of one level come before those below them, as in Kubernetes' messages. */
export function pathsOf(set: FieldSet, prefix: readonly PathElement[] = []): readonly (readonly PathElement[])[] {
  const nodes = elementsOf(set).map((element): [readonly PathElement[], FieldSet] => [
    [...prefix, element],
    set[element] ?? LEAF,
  ]);
  return [
    ...nodes.filter(([, node]) => isMember(node)).map(([path]) => path),
    ...nodes.flatMap(([path, node]) => pathsOf(node, path)),
  ];
}

/** Whether a field is in a set. */
export function hasPath(set: FieldSet, path: readonly PathElement[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node?.[element];
  return node !== undefined && path.length > 0 && isMember(node);
}

function withoutSelf(node: FieldSet): FieldSet {
  if (node[SELF] === undefined) return node;
  const { [SELF]: _, ...children } = node;
  return children;
}

function readNode(json: Json): FieldSet | undefined {
  if (json === null) return LEAF;
  if (!isJsonObject(json)) return undefined;
  const nodes = new Map<PathElement, FieldSet>();
  let last = '';
  // What was written here, which is nearly all, is taken as it is.
  let asWritten = true;
  for (const text in json) {
    const below = json[text];
    if (below === undefined) continue;
    if (text === SELF) {
      asWritten &&= last === '' && isJsonObject(below) && isEmptySet(below as FieldSet);
      continue;
    }
    const read = readElement(text);
    if (read === undefined) return undefined;
    const node = read.known ? readNode(below) : LEAF;
    if (node === undefined) return undefined;
    asWritten &&= read.element === text && node === below && (last === '' || compareElements(last, text) < 0);
    last = text;
    if (read.known) nodes.set(read.element, node);
    else asWritten = false;
  }
  if (asWritten && (nodes.size > 0 || json[SELF] === undefined)) return json as FieldSet;
  return nodeOf(json[SELF] !== undefined || nodes.size === 0, setOf([...nodes])) ?? LEAF;
}
