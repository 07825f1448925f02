import type { DiscoveryResponse } from './message.ts';
import { type TypeTraits, traitsOf } from './resource-types.ts';
import { contentVersion, type ResourceSet, type VersionedResource, wildcardContent } from './resources.ts';
import type { ServerState } from './server-state.ts';
import { heldAt, type InFlight, isRefused, NO_NAMES, pending, rebased, type TypeState, visible } from './type-state.ts';

/** What may be sent now, as far as other types are concerned. */
export type Gates = {
  readonly updates: boolean;
  readonly removals: boolean;
  /** Removals wait for something that the client has refused: however long that takes. */
  readonly refused: boolean;
};

export type Made =
  | { readonly kind: 'nothing'; readonly type: TypeState }
  | { readonly kind: 'current'; readonly type: TypeState; readonly version: string }
  | {
      readonly kind: 'respond';
      readonly type: TypeState;
      readonly inFlight: InFlight;
      /** Names of resources that the client had in another version. */
      readonly changed: readonly string[];
    };

/** The next response of a type, if it lacks anything that may be sent now. */
export function makeResponse(type: TypeState, state: ServerState, gates: Gates, now: number): Made {
  const { view } = type;
  if (view === undefined || !gates.updates) return { kind: 'nothing', type };
  const traits = traitsOf(type.typeUrl);
  if (type.claimed !== '' && type.claimed === versionOf(type, view, traits)) {
    return { kind: 'current', version: type.claimed, type: { ...rebased(type, view), claimed: '', answerOwed: false } };
  }
  const { updated, removed } = pending(type);
  // A removal that cannot be said is none.
  const sayable = state.variant === 'delta' || traits.fullState ? removed : [];
  const said = gates.removals ? sayable : sayable.filter((name) => type.owed.has(name));
  const heldBack = said.length === sayable.length ? [] : sayable.filter((name) => !said.includes(name));
  const since = gates.refused ? now : (type.heldBackSince ?? now);
  const heldBackSince = heldBack.length === 0 ? undefined : since;
  const isWaiting = type.heldBackSince === heldBackSince && type.claimed === '';
  const waiting = isWaiting ? type : { ...type, heldBackSince, claimed: '' };
  if (updated.length === 0 && said.length === 0 && !type.answerOwed) {
    const unsayable = sayable.length < removed.length;
    return { kind: 'nothing', type: unsayable ? forgotten(waiting, removed, view) : waiting };
  }
  const part = state.variant === 'delta' ? firstPart(updated, state.limits.splitBytes) : updated;
  const complete = part.length === updated.length;
  const whole = state.variant === 'sotw' && traits.fullState ? wholeContent(waiting, view, heldBack) : undefined;
  const nonce = String(state.nextNonce);
  const response: DiscoveryResponse = {
    typeUrl: type.typeUrl,
    version: whole === undefined ? contentVersion(wildcardContent(view)) : contentVersion(whole),
    nonce,
    resources: whole ?? part,
    removed: complete ? (said.length === removed.length ? removed : said) : [],
  };
  const inFlight: InFlight = { response, target: view, complete, heldBack: complete ? heldBack : [], sentAt: now };
  const rest = complete ? NO_NAMES : new Set(owedAfter(waiting, updated, part, said));
  const again = complete
    ? NO_NAMES
    : new Set([...type.again].filter((name) => !part.some((sent) => sent.name === name)));
  return {
    kind: 'respond',
    inFlight,
    changed: part.filter(({ name }) => heldAt(type, name) !== undefined).map(({ name }) => name),
    type: { ...waiting, inFlight, lastNonce: nonce, owed: rest, again, owedAll: false, answerOwed: false },
  };
}

function versionOf(type: TypeState, view: ResourceSet, { fullState }: TypeTraits): string {
  return contentVersion(fullState ? wholeContent(type, view, []) : wildcardContent(view));
}

/** C42: everything. What is rejected stays out, or as it was before; what may not go yet stays in. */
function wholeContent(type: TypeState, view: ResourceSet, heldBack: readonly string[]): readonly VersionedResource[] {
  const { wildcard, names, odd } = type;
  const plain = wildcard && odd.size === 0 && heldBack.length === 0;
  if (plain && names.size === 0) return wildcardContent(view);
  const found = new Map<string, VersionedResource>();
  for (const name of wildcard ? view.keys() : names) {
    const resource = visible(type, view, name);
    if (resource === undefined) continue;
    const known = odd.get(name);
    const refused = !type.owed.has(name) && known?.suspectOf === undefined && isRefused(type, name);
    const sent = refused ? known?.held?.resource : resource;
    if (sent !== undefined) found.set(name, sent);
  }
  for (const name of heldBack) {
    const resource = heldAt(type, name)?.resource;
    if (resource !== undefined) found.set(name, resource);
  }
  return [...found.values()];
}

/** C56: as much as one message should hold. */
export function firstPart(updated: readonly VersionedResource[], bytes: number): readonly VersionedResource[] {
  let total = 0;
  for (const [index, { body }] of updated.entries()) {
    total += body.byteLength;
    if (total >= bytes && index + 1 < updated.length) return updated.slice(0, index + 1);
  }
  return updated;
}

/** What must be mentioned still, after a part was sent. */
function owedAfter(
  { owed, owedAll, wildcard }: TypeState,
  updated: readonly VersionedResource[],
  part: readonly VersionedResource[],
  removed: readonly string[],
): readonly string[] {
  const rest = [...updated.slice(part.length).map(({ name }) => name), ...removed];
  return owedAll && wildcard ? rest : rest.filter((name) => owed.has(name));
}

/** Nothing is said of what is gone; should it come again, it is sent again. */
function forgotten(type: TypeState, removed: readonly string[], view: ResourceSet): TypeState {
  const gone = new Set(removed);
  for (const name of gone) type.odd.delete(name);
  return { ...rebased(type, view), owed: new Set([...type.owed].filter((name) => !gone.has(name))) };
}
