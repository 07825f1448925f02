import type { AgentgatewayPolicySpec, StoredObject } from '@pulseplane/resources';
import { type Section, setSections } from '../section.ts';
import { specOf } from '../typed-object.ts';
import { compareText, OrderedSet } from './ordered-set.ts';

type Labels = Readonly<Record<string, string>>;
type TargetRef = NonNullable<AgentgatewayPolicySpec['targetRefs']>[number];
type TargetSelector = NonNullable<AgentgatewayPolicySpec['targetSelectors']>[number];

/** The part of an object that a policy is for; both absent: the whole object. */
export type Part = { readonly sectionName?: string | undefined; readonly port?: number | undefined };

/** An object that policies may target. */
export type Target = { readonly kind: string; readonly name: string; readonly labels: Labels };

/** What decides between policies, kept for each. */
export type PolicyRank = { readonly name: string; readonly created: string };

/** A policy and what it asks for; `selectors` only where its targets are selected by labels. */
type Entry = PolicyRank & { readonly contests: readonly Contest[]; readonly selectors: readonly TargetSelector[] };

/** Those who set one section on one target, or on whatever has one label: the first wins. */
type Contest = { readonly key: string; readonly aim: Aim; readonly entries: OrderedSet<Entry> };

/** What a contest is about: an object by name, or objects by labels. */
export type Aim = { readonly kind: string } & ({ readonly name: string } | { readonly matchLabels: Labels });

/** The policies of one namespace by what they target. They reach into their own namespace only. */
export class PolicyIndex {
  readonly #entries = new Map<string, Entry>();
  readonly #contests = new Map<string, Contest>();

  put(stored: StoredObject): void {
    const { name } = stored.ref;
    const { targetRefs = [], targetSelectors = [], ...spec } = specOf('AgentgatewayPolicy', stored);
    const aims = new Map<string, Aim>();
    for (const section of setSections(spec)) {
      for (const target of targetRefs)
        aims.set(namedKey(section, target, target), { kind: target.kind, name: target.name });
      for (const { kind, matchLabels, ...part } of targetSelectors) {
        aims.set(selectedKey(section, kind, leadingLabel(matchLabels), part), { kind, matchLabels });
      }
    }
    const created = createdAt(stored);
    const before = this.#entries.get(name);
    if (before !== undefined && isUnmoved(before, created, aims, targetSelectors)) return;
    this.remove(name);
    const contests = [...aims].map(([key, aim]) => this.#contest(key, aim));
    const entry = { name, created, contests, selectors: targetSelectors };
    for (const { entries } of contests) entries.add(entry);
    this.#entries.set(name, entry);
  }

  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    for (const { key, entries } of entry.contests) {
      entries.delete(entry);
      if (entries.size === 0) this.#contests.delete(key);
    }
  }

  isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** What a policy aims at; by labels it may be several objects, or none. */
  aimsOf(name: string): readonly Aim[] {
    const { contests = [], selectors = [] } = this.#entries.get(name) ?? {};
    return [...contests.flatMap(({ aim }) => ('name' in aim ? [aim] : [])), ...selectors];
  }

  /** The policies that set a section on an exact target, the winner first. */
  *claimants(section: Section, target: Target, part: Part): Generator<PolicyRank> {
    const { kind, labels } = target;
    const labelled = ['', ...Object.entries(labels).map(([label, value]) => `${label}=${value}`)];
    const named = this.#contests.get(namedKey(section, target, part));
    const selected = labelled.flatMap((label) => {
      const contest = this.#contests.get(selectedKey(section, kind, label, part));
      return contest === undefined ? [] : [select(contest, target, part)];
    });
    yield* inOrder([...(named === undefined ? [] : [named.entries[Symbol.iterator]()]), ...selected]);
  }

  #contest(key: string, aim: Aim): Contest {
    const present = this.#contests.get(key);
    if (present !== undefined) return present;
    const created: Contest = { key, aim, entries: new OrderedSet<Entry>(compareRanks) };
    this.#contests.set(key, created);
    return created;
  }
}

/** At one target the oldest object wins, then the first by name. */
export function compareRanks(a: PolicyRank, b: PolicyRank): number {
  return compareText(a.created, b.created) || compareText(a.name, b.name);
}

/** What decides between this policy and others. */
export function rankOf(stored: StoredObject): PolicyRank {
  return { name: stored.ref.name, created: createdAt(stored) };
}

/** Whether an object has all labels. */
export function hasLabels(labels: Labels, matchLabels: Labels): boolean {
  return Object.entries(matchLabels).every(([label, value]) => labels[label] === value);
}

/** The label that a selector is found by; empty for a selector of everything. */
export function leadingLabel(matchLabels: Labels): string {
  const [label, value] = Object.entries(matchLabels)[0] ?? [];
  return label === undefined ? '' : `${label}=${value}`;
}

function createdAt({ object }: StoredObject): string {
  return object.metadata.creationTimestamp ?? '';
}

function partKey({ sectionName = '', port }: Part): string {
  return port === undefined ? sectionName : `port=${port}`;
}

function namedKey(section: Section, { kind, name }: Pick<TargetRef, 'kind' | 'name'>, part: Part): string {
  return `${section} ${kind}/${name}/${partKey(part)}`;
}

function selectedKey(section: Section, kind: string, label: string, part: Part): string {
  return `${section} ${kind}?${label}/${partKey(part)}`;
}

/** Whether a changed policy has the same place as before: then only its values have changed, which are not kept here. */
function isUnmoved(
  before: Entry,
  created: string,
  aims: ReadonlyMap<string, Aim>,
  selectors: readonly TargetSelector[],
): boolean {
  return (
    before.created === created &&
    before.contests.length === aims.size &&
    before.contests.every(({ key }) => aims.has(key)) &&
    JSON.stringify(before.selectors) === JSON.stringify(selectors)
  );
}

/** The policies found by one label whose selectors take the target wholly. */
function* select({ entries }: Contest, { kind, labels }: Target, part: Part): Generator<Entry> {
  for (const entry of entries) {
    const takes = entry.selectors.some(
      (selector) =>
        selector.kind === kind && partKey(selector) === partKey(part) && hasLabels(labels, selector.matchLabels),
    );
    if (takes) yield entry;
  }
}

/** Merges queues that are in order, each policy once. */
function* inOrder(queues: readonly Iterator<Entry>[]): Generator<Entry> {
  const heads = queues.flatMap((queue) => {
    const first = queue.next();
    return first.done === true ? [] : [{ queue, entry: first.value }];
  });
  let last: Entry | undefined;
  for (;;) {
    const [head] = heads.sort((a, b) => compareRanks(a.entry, b.entry));
    if (head === undefined) return;
    if (head.entry !== last) yield head.entry;
    last = head.entry;
    const next = head.queue.next();
    if (next.done === true) heads.shift();
    else head.entry = next.value;
  }
}
