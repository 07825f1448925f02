import type { DiscoveryResponse } from './message.ts';
import type { Names } from './name-set.ts';
import { GONE, type Held, type Odd, OddNames, type Standing } from './odd-names.ts';
import { sharedTypeUrl } from './resource-types.ts';
import {
  type Difference,
  difference,
  NO_DIFFERENCE,
  NO_RESOURCES,
  type ResourceSet,
  type VersionedResource,
} from './resources.ts';

/** What the server knows of one type on one stream. */
export type TypeState = {
  readonly typeUrl: string;
  readonly wildcard: boolean;
  readonly names: Names;
  /** A name was subscribed to on this stream: from then on an empty list means nothing (C25). */
  readonly named: boolean;
  /** What there is now. Undefined until the source could say: nothing is sent before. */
  readonly view: ResourceSet | undefined;
  /** What the client holds, as far as it subscribes to it, but for what `odd` says. Shared by all streams that hold it. */
  readonly base: ResourceSet;
  readonly odd: OddNames;
  /** Names that the next response must mention whatever the client holds (C28, C31, C35). */
  readonly owed: Names;
  /** Names that are sent again though the client holds them, but not if it refuses them (C50). */
  readonly again: ReadonlySet<string>;
  /** The same for all that a wildcard covers. */
  readonly owedAll: boolean;
  /** The client waits for a first answer, even an empty one (C26). */
  readonly answerOwed: boolean;
  /** State of the world: the version that a reconnecting client says it runs (C22). */
  readonly claimed: string;
  /** At most one response waits for its answer; changes meanwhile collapse into the next one (C53). */
  readonly inFlight: InFlight | undefined;
  /** Of the newest response; empty before the first. */
  readonly lastNonce: string;
  /** When a client that holds something already opened the type, in milliseconds; undefined for one that starts. */
  readonly reopenedAt: number | undefined;
  /** Since when removals wait for other types, in milliseconds (C49). */
  readonly heldBackSince: number | undefined;
};

export type InFlight = {
  readonly response: DiscoveryResponse;
  /** What there was when it was made. */
  readonly target: ResourceSet;
  /** Nothing but `heldBack` is missing to `target`. */
  readonly complete: boolean;
  /** Removals that wait for other types. */
  readonly heldBack: readonly string[];
  readonly sentAt: number;
};

/** Most streams have nothing of the kind: they share what holds nothing. */
export const NO_NAMES: ReadonlySet<string> = new Set();
export const NOTHING_ODD = new OddNames();

export function newTypeState(typeUrl: string): TypeState {
  return {
    typeUrl: sharedTypeUrl(typeUrl),
    wildcard: false,
    names: NO_NAMES,
    named: false,
    view: undefined,
    base: NO_RESOURCES,
    odd: NOTHING_ODD,
    owed: NO_NAMES,
    again: NO_NAMES,
    owedAll: false,
    answerOwed: false,
    claimed: '',
    inFlight: undefined,
    lastNonce: '',
    reopenedAt: undefined,
    heldBackSince: undefined,
  };
}

export function isWanted({ wildcard, names }: TypeState, name: string): boolean {
  return wildcard || names.has(name);
}

/** The resource of a set that the client subscribes to under a name. */
export function visible({ wildcard, names }: TypeState, set: ResourceSet, name: string): VersionedResource | undefined {
  const resource = set.get(name);
  return resource !== undefined && (names.has(name) || (wildcard && resource.onDemand !== true)) ? resource : undefined;
}

/** What is certainly in force at the client under a name. */
export function heldAt(type: TypeState, name: string): Held | undefined {
  const odd = type.odd.get(name);
  if (odd !== undefined) return odd.held;
  const resource = visible(type, type.base, name);
  return resource && { version: resource.version, resource };
}

/** Whether what there is under a name now is what the client has rejected. */
export function isRefused(type: TypeState, name: string): boolean {
  const rejected = type.odd.get(name)?.rejected;
  return rejected !== undefined && rejected === ((type.view && visible(type, type.view, name))?.version ?? GONE);
}

/** What the client lacks of what there is. Takes time by what has changed, not by what exists. */
export function pending(type: TypeState): Difference {
  const { view, base, odd, owed, owedAll, again, wildcard } = type;
  if (view === undefined) return NO_DIFFERENCE;
  const changes = difference(base, view);
  const simple = wildcard && odd.size === 0 && owed.size === 0 && again.size === 0 && !owedAll;
  if (simple && !changes.updated.some(({ onDemand }) => onDemand)) {
    return changes;
  }
  const updated: VersionedResource[] = [];
  const removed: string[] = [];
  for (const name of candidates(type, changes, view)) {
    const resource = visible(type, view, name);
    const asked = owed.has(name) || (owedAll && wildcard);
    if (!asked && !isWanted(type, name)) continue;
    const before = odd.get(name);
    const held = heldAt(type, name);
    const refused = isRefused(type, name);
    if (resource !== undefined) {
      if (asked || ((again.has(name) || held?.version !== resource.version) && !refused)) updated.push(resource);
    } else if (owed.has(name) || ((before !== undefined || held !== undefined) && !refused)) removed.push(name);
  }
  return { updated, removed };
}

function candidates(type: TypeState, { updated, removed }: Difference, view: ResourceSet): ReadonlySet<string> {
  const { wildcard, names, base, odd, owed, owedAll, again } = type;
  const found = new Set([...owed, ...again, ...odd.loose((name, known) => standingOf(type, name, known))]);
  if (owedAll && wildcard) for (const set of [view, base]) for (const name of set.keys()) found.add(name);
  if (!wildcard && names.size < updated.length + removed.length) {
    for (const name of names) found.add(name);
  } else {
    for (const { name } of updated) found.add(name);
    for (const name of removed) found.add(name);
  }
  return found;
}

function standingOf(type: TypeState, name: string, { held, rejected, suspectOf }: Odd): Standing {
  if (!isWanted(type, name)) return 'loose';
  const { version = GONE } = visible(type, type.base, name) ?? {};
  if (rejected === version) return 'quiet';
  if (version === GONE || held?.version !== version || suspectOf !== undefined) return 'loose';
  return rejected === undefined ? 'plain' : 'quiet';
}

/** With another base. */
export function rebased<Type extends TypeState>(type: Type, base: ResourceSet): Type {
  if (type.odd.size > 0) {
    const { updated, removed } = difference(type.base, base);
    for (const { name } of updated) type.odd.reopen(name);
    for (const name of removed) type.odd.reopen(name);
  }
  return { ...type, base };
}

/** What is odd, to be changed. */
export function ownOdd({ odd }: TypeState): OddNames {
  return odd === NOTHING_ODD ? new OddNames() : odd;
}

/** Takes the blame from all that a NACK without a list was about, as soon as one of them has changed (C14). */
export function releaseSuspects(type: TypeState): void {
  for (const [suspectOf, names] of type.odd.suspects()) {
    for (const name of names) {
      if (!isWanted(type, name) || isRefused(type, name)) continue;
      type.odd.clear(suspectOf);
      break;
    }
  }
}
