import {
  type DeltaRequest,
  type DeltaResponse,
  parseRejections,
  type Rejection,
  type ResourceSet,
  type VersionedResource,
} from './message.ts';

/**
 * The server's end of one delta stream, as a pure machine. "C" numbers are the rules of the xDS transport protocol
 * (Envoy's xds_protocol.rst) as this project counts them; see docs/xds.md.
 */
export type ServerState = {
  readonly nextNonce: number;
  readonly types: ReadonlyMap<string, TypeState>;
};

type TypeState = {
  readonly wildcard: boolean;
  readonly names: ReadonlySet<string>;
  /** Undefined until the source could say what there is: nothing is sent before. */
  readonly resources: ResourceSet | undefined;
  /** What the client has accepted: name to version. */
  readonly held: ReadonlyMap<string, string>;
  /** What the client has rejected: name to version. Never sent again unchanged (C12). */
  readonly rejected: ReadonlyMap<string, string>;
  /** At most one response waits for its answer; changes meanwhile collapse into the next one (C53). */
  readonly inFlight: DeltaResponse | undefined;
  /** Names that the next response must mention whatever the client holds (C28, C31, C35). */
  readonly owed: ReadonlySet<string>;
  /** A wildcard client waits for a first answer, even an empty one (C26). */
  readonly answerOwed: boolean;
};

export type ServerInput =
  /** `resources` is what this client may see of the request's type now; undefined when that cannot be said now. */
  | { readonly kind: 'request'; readonly request: DeltaRequest; readonly resources: ResourceSet | undefined }
  | { readonly kind: 'resources'; readonly typeUrl: string; readonly resources: ResourceSet };

export type ServerOutput =
  | { readonly kind: 'respond'; readonly response: DeltaResponse }
  | { readonly kind: 'acked'; readonly response: DeltaResponse }
  | {
      readonly kind: 'nacked';
      readonly response: DeltaResponse;
      readonly message: string;
      /** Undefined when the client did not say which resources are bad. */
      readonly rejections: readonly Rejection[] | undefined;
    }
  | { readonly kind: 'close'; readonly rule: 'bad-request' | 'limit'; readonly reason: string };

export type ServerStep = { readonly state: ServerState; readonly outputs: readonly ServerOutput[] };

export const INITIAL_SERVER_STATE: ServerState = { nextNonce: 1, types: new Map() };

const WILDCARD = '*';
const MAX_TYPES = 32;
const MAX_NAMES = 50_000;

/** Takes one input and says what to send and what became known. Never throws. */
export function stepServer(state: ServerState, input: ServerInput): ServerStep {
  if (input.kind === 'resources') {
    const type = state.types.get(input.typeUrl);
    // C7: a type that the client has not asked for on this stream is never sent.
    return type === undefined
      ? { state, outputs: [] }
      : flush(state, input.typeUrl, { ...type, resources: input.resources }, []);
  }
  const { request, resources } = input;
  if (request.typeUrl === '') {
    return { state, outputs: [{ kind: 'close', rule: 'bad-request', reason: 'type URL is required for ADS' }] }; // C1
  }
  const known = state.types.get(request.typeUrl);
  const excess = overLimit(state, known, request);
  if (excess !== undefined) return { state, outputs: [{ kind: 'close', rule: 'limit', reason: excess }] };
  if (known === undefined) return flush(state, request.typeUrl, firstRequest(request, resources), []);
  const { type, outputs } = settle({ ...known, resources: resources ?? known.resources }, request);
  return flush(state, request.typeUrl, subscribe(type, request), outputs);
}

/** C57: what one stream may make the server remember. */
function overLimit(state: ServerState, known: TypeState | undefined, request: DeltaRequest): string | undefined {
  if (known === undefined && state.types.size >= MAX_TYPES) return `more than ${MAX_TYPES} types on one stream`;
  const names = (known?.names.size ?? 0) + request.subscribe.length;
  if (names > MAX_NAMES) return `more than ${MAX_NAMES} resource names subscribed for ${request.typeUrl}`;
  return request.initialVersions.size > MAX_NAMES ? `more than ${MAX_NAMES} initial resource versions` : undefined;
}

/** C23, C25: only the first request of a type may mean "everything" by naming nothing, and may say what it holds. */
function firstRequest(request: DeltaRequest, resources: ResourceSet | undefined): TypeState {
  const wildcard = request.subscribe.length === 0 || request.subscribe.includes(WILDCARD);
  const names = new Set(request.subscribe.filter((name) => name !== WILDCARD));
  const current = (name: string): boolean =>
    request.initialVersions.get(name) !== undefined &&
    request.initialVersions.get(name) === resources?.get(name)?.version;
  return {
    wildcard,
    names,
    resources,
    held: request.initialVersions,
    rejected: new Map(),
    inFlight: undefined,
    owed: new Set([...names].filter((name) => !current(name))),
    answerOwed: true,
  };
}

/** The ACK or NACK part of a request. A stale or unknown nonce answers nothing (C15, C37). */
function settle(type: TypeState, request: DeltaRequest): { type: TypeState; outputs: readonly ServerOutput[] } {
  const response = type.inFlight;
  if (response === undefined || request.nonce !== response.nonce) return { type, outputs: [] };
  const held = new Map(type.held);
  const rejected = new Map(type.rejected);
  for (const name of response.removed) {
    held.delete(name);
    rejected.delete(name);
  }
  const rejections = request.error === undefined ? [] : parseRejections(request.error);
  const bad = rejections && new Set(rejections.map(({ name }) => name));
  for (const { name, version } of response.resources) {
    if (bad !== undefined && !bad.has(name)) {
      held.set(name, version);
      rejected.delete(name);
    } else {
      rejected.set(name, version);
      // C14: without a list of the bad ones nobody knows what the client holds now, so an older version is sent again.
      if (bad === undefined) held.delete(name);
    }
  }
  const outcome: ServerOutput =
    request.error === undefined
      ? { kind: 'acked', response }
      : { kind: 'nacked', response, message: request.error, rejections };
  return { type: { ...type, held, rejected, inFlight: undefined }, outputs: [outcome] };
}

/** C28, C31, C35, C36: subscriptions are honoured whatever the nonce; a name in both lists ends up unsubscribed. */
function subscribe(type: TypeState, request: DeltaRequest): TypeState {
  if (request.subscribe.length === 0 && request.unsubscribe.length === 0) return type;
  const names = new Set(type.names);
  const owed = new Set(type.owed);
  const held = new Map(type.held);
  const rejected = new Map(type.rejected);
  let wildcard = type.wildcard;
  for (const name of request.subscribe) {
    if (name === WILDCARD) {
      wildcard = true;
      for (const existing of (type.resources ?? type.held).keys()) owed.add(existing);
    } else {
      names.add(name);
      owed.add(name);
    }
  }
  for (const name of request.unsubscribe) {
    if (name === WILDCARD) wildcard = false;
    else if (names.delete(name)) {
      owed.delete(name);
      if (wildcard) owed.add(name);
    }
  }
  // What is no longer subscribed is forgotten, not removed: the client dropped it itself.
  for (const name of [...held.keys(), ...rejected.keys()]) {
    if (wildcard || names.has(name)) continue;
    held.delete(name);
    rejected.delete(name);
  }
  for (const name of owed) if (!wildcard && !names.has(name)) owed.delete(name);
  const answerOwed = type.answerOwed || request.subscribe.includes(WILDCARD);
  return { ...type, wildcard, names, held, rejected, owed, answerOwed };
}

/** Sends what the client lacks, unless a response is in flight or there is nothing to say (C34, C53). */
function flush(state: ServerState, typeUrl: string, type: TypeState, outputs: readonly ServerOutput[]): ServerStep {
  const put = (next: TypeState, nextNonce = state.nextNonce): ServerState => ({
    nextNonce,
    types: new Map(state.types).set(typeUrl, next),
  });
  if (type.inFlight !== undefined || type.resources === undefined) return { state: put(type), outputs };
  const resources = missing(type, type.resources);
  const removed = vanished(type, type.resources);
  if (resources.length === 0 && removed.length === 0 && !type.answerOwed) return { state: put(type), outputs };
  const response: DeltaResponse = { typeUrl, nonce: String(state.nextNonce), resources, removed };
  const next = { ...type, inFlight: response, owed: new Set<string>(), answerOwed: false };
  return { state: put(next, state.nextNonce + 1), outputs: [...outputs, { kind: 'respond', response }] };
}

function missing(
  { wildcard, names, held, rejected, owed }: TypeState,
  resources: ResourceSet,
): readonly VersionedResource[] {
  const wanted = wildcard ? [...resources.values()] : [...names].flatMap((name) => resources.get(name) ?? []);
  return wanted.filter(
    ({ name, version }) => owed.has(name) || (held.get(name) !== version && rejected.get(name) !== version),
  );
}

/** C31, C43: only names that the client asked about, or may hold. */
function vanished({ held, rejected, owed }: TypeState, resources: ResourceSet): readonly string[] {
  const candidates = new Set([...owed, ...held.keys(), ...rejected.keys()]);
  return [...candidates].filter((name) => !resources.has(name));
}
