import type { DeltaRequest, DiscoveryRequest, SotwRequest } from './message.ts';
import { NameSet } from './name-set.ts';
import { type Odd, OddNames } from './odd-names.ts';
import { traitsOf } from './resource-types.ts';
import type { ResourceSet } from './resources.ts';
import { isWanted, NO_NAMES, NOTHING_ODD, newTypeState, type TypeState } from './type-state.ts';

const WILDCARD = '*';

/** What a node's former stream left unsettled, by name: see {@link unsettled}. */
export type Unsettled = ReadonlyMap<string, Left>;

type Left = Pick<Odd, 'rejected' | 'suspectOf'> & {
  /** It was on its way in a response of this version, and nothing else is odd about it. */
  readonly sentIn?: string;
};

/** Of a response that the break of its stream left unanswered, what is kept in mind for each type. */
const MAX_SENT = 256;

/**
 * The first request of a type on a stream, whatever its nonce (C16). Only it may mean everything by naming nothing
 * (C25), and say what the client holds (C22, C23).
 */
export function openType(
  request: DiscoveryRequest,
  view: ResourceSet | undefined,
  unsettled: Unsettled | undefined,
  now: number,
): TypeState {
  const holds = request.variant === 'delta' && request.initialVersions.size > 0;
  const opened = { ...newTypeState(request.typeUrl), view, reopenedAt: holds ? now : undefined };
  return request.variant === 'sotw' ? openSotw(opened, request, unsettled) : openDelta(opened, request, unsettled);
}

function openSotw(type: TypeState, request: SotwRequest, unsettled: Unsettled | undefined): TypeState {
  const subscribed = subscribeSotw(type, request);
  // A client that runs nothing yet is another process than the one that rejected something.
  const left = request.version === '' ? [] : [...(unsettled ?? [])];
  // Who runs that version has taken all of the response, and only its ACK was lost.
  const open = left.filter(([, { sentIn }]) => sentIn !== request.version);
  const continues = open.length > 0;
  const { fullState } = traitsOf(type.typeUrl);
  return {
    ...subscribed,
    ...(continues && { odd: oddOf(open.map(([name, what]) => [name, unknownAt(what)])) }),
    owedAll: false,
    // C18, C32: types that cannot say what is absent say nothing.
    answerOwed: fullState && (subscribed.wildcard || subscribed.names.size > 0),
    // C22: to stay silent is safe only for what is nothing but a wildcard.
    claimed: fullState && subscribed.wildcard && !subscribed.named && !continues ? request.version : '',
  };
}

function openDelta(type: TypeState, request: DeltaRequest, unsettled: Unsettled | undefined): TypeState {
  const { typeUrl, subscribe, initialVersions } = request;
  const { legacyWildcard, resentOnReconnect } = traitsOf(typeUrl);
  const wildcard = subscribe.includes(WILDCARD) || (subscribe.length === 0 && legacyWildcard);
  const names = new Set(subscribe.filter((name) => name !== WILDCARD));
  const odd = new Map<string, Odd>();
  if (initialVersions.size > 0) {
    for (const [name, left] of unsettled ?? []) odd.set(name, unknownAt(left));
  }
  // Until it has answered, the next stream must know of it too.
  const unlisted = [...odd.keys()].filter((name) => !initialVersions.has(name));
  for (const [name, version] of initialVersions) odd.set(name, { ...odd.get(name), held: { version } });
  // C24: what the client holds already is not owed for being named, except where it may be warming.
  const current = (name: string): boolean =>
    !resentOnReconnect && initialVersions.has(name) && initialVersions.get(name) === type.view?.get(name)?.version;
  // C23: what is held but not subscribed to is told to be gone.
  const stray = wildcard ? [] : [...initialVersions.keys()].filter((name) => !names.has(name));
  const opened: TypeState = {
    ...type,
    wildcard,
    names: names.size === 0 ? NO_NAMES : names,
    named: subscribe.length > 0,
    odd: odd.size === 0 ? NOTHING_ODD : oddOf(odd, unlisted),
    owed: new Set([...[...names].filter((name) => !current(name)), ...stray]),
    answerOwed: wildcard,
  };
  return forget(opened, unlisted);
}

function oddOf(entries: Iterable<readonly [string, Odd]>, unlisted: readonly string[] = []): OddNames {
  const odd = new OddNames();
  for (const [name, known] of entries) odd.set(name, known);
  for (const name of unlisted) odd.unlisted.add(name);
  return odd;
}

/** Nobody knows what is in force there. */
function unknownAt({ rejected, suspectOf }: Left): Odd {
  return {
    held: undefined,
    ...(rejected !== undefined && { rejected }),
    ...(suspectOf !== undefined && { suspectOf }),
  };
}

/** The subscription part of a later request. */
export function subscribe(type: TypeState, request: DiscoveryRequest): TypeState {
  return request.variant === 'sotw' ? subscribeSotw(type, request) : subscribeDelta(type, request);
}

/** C30: the names are the full set each time; added ones are sent even if they were sent before. */
function subscribeSotw(type: TypeState, request: SotwRequest): TypeState {
  const { legacyWildcard } = traitsOf(type.typeUrl);
  const named = type.named || request.names.length > 0;
  const wildcard = request.names.includes(WILDCARD) || (!named && legacyWildcard);
  const names = new Set(request.names.filter((name) => name !== WILDCARD));
  const added = [...names].filter((name) => !type.names.has(name));
  if (wildcard === type.wildcard && named === type.named && added.length === 0 && names.size === type.names.size) {
    return type;
  }
  // Of what is sent on demand only, the names say what the client can see.
  for (const name of type.odd.names()) type.odd.reopen(name);
  return forgetUnwanted({
    ...type,
    wildcard,
    named,
    names,
    owed: new Set([...type.owed, ...added]),
    owedAll: type.owedAll || (wildcard && !type.wildcard),
  });
}

/**
 * A client that drops a name and takes it up again while a response is on its way says both on a stale nonce, and holds
 * the resource no more: should the name still be subscribed then, it is sent again.
 */
export function droppedMeanwhile(type: TypeState, { names }: SotwRequest): TypeState {
  const restated = new Set(names);
  const dropped = [...type.names].filter((name) => !restated.has(name));
  return dropped.length === 0 ? type : { ...type, owed: new Set([...type.owed, ...dropped]) };
}

/** C28, C35, C36: honoured whatever the nonce (C37). A name in both lists ends up unsubscribed. */
function subscribeDelta(type: TypeState, request: DeltaRequest): TypeState {
  if (request.subscribe.length === 0 && request.unsubscribe.length === 0) return type;
  const names = new Map<string, boolean>();
  const owed = new Map<string, boolean>();
  let { wildcard, owedAll, answerOwed } = type;
  for (const name of request.subscribe) {
    if (name === WILDCARD) {
      wildcard = true;
      owedAll = true;
      answerOwed = true;
    } else {
      names.set(name, true);
      owed.set(name, true);
    }
  }
  for (const name of request.unsubscribe) {
    if (name === WILDCARD) wildcard = false;
    else if (names.get(name) ?? type.names.has(name)) {
      names.set(name, false);
      owed.set(name, wildcard);
    }
  }
  const subscribed: TypeState = {
    ...type,
    wildcard,
    named: true,
    names: NameSet.of(type.names).with(names),
    owed: NameSet.of(type.owed).with(owed),
    owedAll: owedAll && wildcard,
    answerOwed,
  };
  return type.wildcard && !wildcard ? forgetUnwanted(subscribed) : forget(subscribed, request.unsubscribe);
}

function forgetUnwanted(type: TypeState): TypeState {
  return forget(type, [...type.odd.names(), ...type.owed, ...type.again]);
}

/** What is no longer subscribed of `names` is forgotten, not removed: the client dropped it itself. */
function forget(type: TypeState, names: readonly string[]): TypeState {
  const dropped = new Set(names.filter((name) => !isWanted(type, name)));
  if (dropped.size === 0) return type;
  // Most have none of what is dropped, and are large when they have something.
  const has = (known: { has(name: string): boolean }): boolean => [...dropped].some((name) => known.has(name));
  const suspects = new Set([...dropped].flatMap((name) => type.odd.get(name)?.suspectOf ?? []));
  for (const name of dropped) type.odd.delete(name);
  for (const suspectOf of suspects) type.odd.clear(suspectOf);
  return {
    ...type,
    owed: NameSet.of(type.owed).with(new Map([...dropped].map((name) => [name, false]))),
    again: has(type.again) ? new Set([...type.again].filter((name) => !dropped.has(name))) : type.again,
  };
}

/**
 * What a client may hold, or has rejected, that it will not say of itself when it reconnects: Envoy leaves out what it
 * took of a response that it rejected, also when its NACK was lost with the stream.
 */
export function unsettled(type: TypeState): Unsettled {
  const open = new Map<string, Left>();
  const { resources = [], version: sentIn = '' } = type.inFlight?.response ?? {};
  for (const { name } of resources.slice(0, MAX_SENT)) open.set(name, { sentIn });
  for (const name of type.odd.unlisted) open.set(name, {});
  for (const [name, { rejected, suspectOf }] of type.odd) {
    if (rejected === undefined) continue;
    // Nonces are of one stream.
    open.set(name, { rejected, ...(suspectOf !== undefined && { suspectOf: `former ${suspectOf}` }) });
  }
  return new Map([...open].filter(([name]) => isWanted(type, name)));
}
