/** A named resource with the bytes of its body. Equal bytes have equal versions, on every replica (C39). */
export type VersionedResource = {
  readonly name: string;
  readonly version: string;
  readonly body: Uint8Array;
  /** Sent only to those who ask for it by name: a wildcard does not cover it (C27). */
  readonly onDemand?: true;
};

/** The resources of one type that one client may see, by name. A set is never changed: another one takes its place. */
export type ResourceSet = ReadonlyMap<string, VersionedResource>;

export const NO_RESOURCES: ResourceSet = new Map();

/** What leads from one set to another. */
export type Difference = { readonly updated: readonly VersionedResource[]; readonly removed: readonly string[] };

export const NO_DIFFERENCE: Difference = { updated: [], removed: [] };

const differences = new WeakMap<ResourceSet, WeakMap<ResourceSet, Difference>>();

/** What leads from one set to another: found once, and the same object for every stream that asks. */
export function difference(from: ResourceSet, to: ResourceSet): Difference {
  if (from === to) return NO_DIFFERENCE;
  const known = differences.get(from) ?? new WeakMap<ResourceSet, Difference>();
  const before = known.get(to);
  if (before !== undefined) return before;
  const found = compare(from, to);
  differences.set(from, known.set(to, found));
  return found;
}

function compare(from: ResourceSet, to: ResourceSet): Difference {
  const updated: VersionedResource[] = [];
  for (const resource of to.values()) {
    const before = from.get(resource.name);
    if (before?.version !== resource.version || before.onDemand !== resource.onDemand) updated.push(resource);
  }
  return { updated, removed: [...from.keys()].filter((name) => !to.has(name)) };
}

const contents = new WeakMap<ResourceSet, readonly VersionedResource[]>();

/** What a wildcard covers: the same array for every stream that asks. */
export function wildcardContent(set: ResourceSet): readonly VersionedResource[] {
  const known = contents.get(set);
  if (known !== undefined) return known;
  const found = [...set.values()].filter(({ onDemand }) => onDemand !== true);
  contents.set(set, found);
  return found;
}

const versions = new WeakMap<readonly VersionedResource[], string>();

/**
 * The version of a content: equal content has an equal one, after a restart and on every replica (C19, C20). A hash
 * (cyrb53's mixing, 64 bits) of the sorted names and versions, which are strong hashes themselves.
 */
export function contentVersion(content: readonly VersionedResource[]): string {
  const known = versions.get(content);
  if (known !== undefined) return known;
  const found = hash(
    content
      .map(({ name, version }) => `${name}\0${version}\0`)
      .sort()
      .join(''),
  );
  versions.set(content, found);
  return found;
}

function hash(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
  }
  const mixed = [
    Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35),
    Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35),
  ];
  return mixed.map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
