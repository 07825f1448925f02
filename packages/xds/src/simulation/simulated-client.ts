import assert from 'node:assert/strict';
import {
  type ClientInput,
  initialDeltaClientState,
  initialSotwClientState,
  stepDeltaClient,
  stepSotwClient,
} from '../protocol/client.ts';
import type { DiscoveryRequest, DiscoveryResponse, Rejection, Variant } from '../protocol/message.ts';
import { traitsOf } from '../protocol/resource-types.ts';
import { meaningOf } from './world.ts';

/** How a client says what it refuses, and what it does with the rest of the response. */
export type Refusal = 'lists' | 'applies-nothing' | 'applies-the-good';

/** One type of a client: what it has in force, and what must never come. */
export class SimulatedType {
  readonly typeUrl: string;
  readonly tables = new Map<string, string>();
  readonly #variant: Variant;
  readonly #role: string;
  readonly #refusal: Refusal;
  /** What the server knows to be refused: it may not come again unless something has happened to the name. */
  readonly #refused = new Map<string, string>();
  /** Refusals that are on the way, by nonce. */
  readonly #said = new Map<string, ReadonlyMap<string, string>>();
  /** Who asks for a name anew is sent it anew, however requests and responses cross. */
  readonly #asked = new Set<string>();
  #step: (input: ClientInput) => DiscoveryRequest;
  #holds: () => boolean;
  names: ReadonlySet<string> | undefined;

  constructor(typeUrl: string, variant: Variant, role: string, refusal: Refusal, names?: ReadonlySet<string>) {
    this.typeUrl = typeUrl;
    this.#variant = variant;
    this.#role = role;
    this.#refusal = refusal;
    this.names = names;
    if (variant === 'delta') {
      let state = initialDeltaClientState(typeUrl, names);
      this.#holds = () => state.held.size > 0;
      this.#step = (input) => {
        const step = stepDeltaClient(state, input);
        state = step.state;
        return step.request;
      };
    } else {
      let state = initialSotwClientState(typeUrl, names);
      this.#holds = () => state.version !== '';
      this.#step = (input) => {
        const step = stepSotwClient(state, input);
        state = step.state;
        return step.request;
      };
    }
  }

  connect(): DiscoveryRequest {
    this.#said.clear();
    // A client that holds nothing looks like one that was just started, which is told everything.
    if (!this.#holds()) this.#refused.clear();
    // Names are asked for anew.
    this.#asked.clear();
    for (const name of this.names ?? []) this.#asked.add(name);
    return this.#step({ kind: 'connected' });
  }

  subscribe(names: ReadonlySet<string>): DiscoveryRequest {
    for (const name of names) if (!this.names?.has(name)) this.#asked.add(name);
    for (const name of this.tables.keys()) if (!names.has(name)) this.tables.delete(name);
    this.names = names;
    return this.#step({ kind: 'subscribed', names });
  }

  /** The server has got an answer. */
  arrived(nonce: string): void {
    for (const [name, version] of this.#said.get(nonce) ?? []) this.#refused.set(name, version);
    this.#said.delete(nonce);
  }

  /** Takes a response in as a client would, checks it, and gives the answer. */
  take(response: DiscoveryResponse): DiscoveryRequest {
    const names = response.resources.map(({ name }) => name);
    assert.equal(
      new Set([...names, ...response.removed]).size,
      names.length + response.removed.length,
      'a name stands twice',
    );
    const bad: Rejection[] = [];
    for (const { name, version } of response.resources) {
      const meaning = meaningOf(version);
      assert.equal(meaning.role, this.#role, `${name}@${version} is of another role`);
      const again = this.#refused.get(name) === version && !this.#asked.has(name);
      assert(!again, `${name}@${version} was sent again after its NACK`);
      this.#refused.delete(name);
      if (meaning.bad) bad.push({ name, error: 'bad' });
    }
    for (const name of response.removed) this.#refused.delete(name);
    if (bad.length > 0 && this.#refusal === 'applies-nothing') return this.#answer(response, bad);
    this.#apply(response, new Set(bad.map(({ name }) => name)));
    return this.#answer(response, bad);
  }

  #apply(response: DiscoveryResponse, bad: ReadonlySet<string>): void {
    const wholly = this.#variant === 'sotw' && traitsOf(this.typeUrl).fullState;
    const present = new Set(response.resources.map(({ name }) => name));
    if (wholly) for (const name of this.tables.keys()) if (!present.has(name)) this.tables.delete(name);
    for (const { name, version } of response.resources) {
      if (!bad.has(name) && (this.names?.has(name) ?? true)) this.tables.set(name, version);
    }
    if (this.#variant === 'delta') for (const name of response.removed) this.tables.delete(name);
  }

  #answer(response: DiscoveryResponse, bad: readonly Rejection[]): DiscoveryRequest {
    if (this.#refusal === 'lists' && bad.length > 0) {
      const named = new Set(bad.map(({ name }) => name));
      const refused = response.resources.filter(({ name }) => named.has(name));
      this.#said.set(response.nonce, new Map(refused.map(({ name, version }) => [name, version])));
    }
    const nothing = bad.length > 0 && this.#refusal === 'applies-nothing';
    const taken = nothing ? { ...response, removed: [] } : response;
    const rejections = nothing ? response.resources.map(({ name }) => ({ name, error: '' })) : bad;
    const request = this.#step({ kind: 'taken', response: taken, rejections });
    return bad.length > 0 && this.#refusal !== 'lists' ? { ...request, error: 'something is wrong' } : request;
  }
}
