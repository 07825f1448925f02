import type { StoredObject } from '@pulseplane/resources';
import { compareText, OrderedSet } from './ordered-set.ts';
import { hasLabels, leadingLabel } from './policy-index.ts';

type Labels = Readonly<Record<string, string>>;

/** The objects of one kind in one namespace by their labels. */
export class LabelIndex {
  readonly #labels = new Map<string, Labels>();
  readonly #names = new Map<string, OrderedSet<string>>();

  put({ ref: { name }, object }: StoredObject): void {
    this.remove(name);
    const { labels = {} } = object.metadata;
    this.#labels.set(name, labels);
    for (const key of keysOf(labels)) {
      const names = this.#names.get(key) ?? new OrderedSet(compareText);
      this.#names.set(key, names);
      names.add(name);
    }
  }

  remove(name: string): void {
    for (const key of keysOf(this.#labels.get(name) ?? {})) {
      const names = this.#names.get(key);
      names?.delete(name);
      if (names?.size === 0) this.#names.delete(key);
    }
    this.#labels.delete(name);
  }

  /** The names of the objects that have all labels, in order. */
  select(matchLabels: Labels): readonly string[] {
    return [...(this.#names.get(leadingLabel(matchLabels)) ?? [])].filter((name) =>
      hasLabels(this.#labels.get(name) ?? {}, matchLabels),
    );
  }
}

function keysOf(labels: Labels): readonly string[] {
  return ['', ...Object.entries(labels).map(([label, value]) => `${label}=${value}`)];
}
